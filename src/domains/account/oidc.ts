import { timingSafeEqual } from 'node:crypto';
import type { Context, Services } from '../../context.js';
import type { Identity, User } from '../../db/generated/prisma/client.js';
import { badInput, coded } from '../../errors.js';
import type { Issuer, IssuerClaims } from '../../integrations/openid.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { viewerOf } from '../../access/viewer.js';
import { findUser } from './account.js';
import { knownDevice } from './device-tokens.js';
import { readEmailAddress } from './email-address.js';
import { factorsOf, isOn } from './factors.js';
import { guesserOf } from './guesses.js';
import { attachIdentity, identify, link } from './identities.js';
import { beginAttempt, endAttempt, type Begun, type Return } from './oidc-attempts.js';
import { assertPassword } from './present-password.js';
import { displayNameText, usernameText } from './rules.js';
import { askForFactor } from './second-step.js';
import { startSession, type Credentials, type SignedIn } from './sessions.js';
import { assertInUse } from './sign-in-answers.js';
import { claimAccount, createMember, hasAccount, type NewMember } from './users.js';

/** @throws BAD_USER_INPUT for a name that no issuer has */
const issuerNamed = ({ issuers }: Pick<Services, 'issuers'>, name: string): Issuer => {
  const issuer = issuers.get(name);
  if (issuer === undefined) throw badInput({ path: 'input.issuer', code: 'NOT_FOUND', message: 'There is no such issuer here.' });
  return issuer;
};

/**
 * Begins a sign-in by an issuer, or, for the viewer, to link an identity to their account, for which they show that it is theirs.
 * @throws BAD_USER_INPUT, UNAVAILABLE when the issuer is away; to link, UNAUTHENTICATED and the errors of {@link assertPassword}
 */
export const startOidc = async (
  context: Context,
  input: {
    readonly issuer: string;
    readonly purpose?: 'SIGN_IN' | 'LINK' | null | undefined;
    readonly redirectUri?: string | null | undefined;
    readonly password?: string | null | undefined;
  },
): Promise<Begun> => {
  const issuer = issuerNamed(context, input.issuer);
  const redirectUri = input.redirectUri ?? undefined;
  if (input.purpose !== 'LINK') return await beginAttempt(context, issuer, { purpose: 'SIGN_IN', userId: null }, redirectUri);
  const user = await findUser(context, viewerOf(context).id);
  await assertPassword(context, user, input.password, 'input.password');
  return await beginAttempt(context, issuer, { purpose: 'LINK', userId: user.id }, redirectUri);
};

/** Whom an issuer has shown that nobody is here yet, for making an account. */
export interface SignUp {
  readonly issuer: Issuer;
  readonly claims: IssuerClaims;
  /** What {@link registerWithOidc} takes. */
  readonly token: string;
}

/**
 * Signs in whoever comes back from an issuer.
 * @returns what they need to make an account when they have none
 * @throws BAD_USER_INPUT for an attempt that has ended or was begun elsewhere; UNAUTHENTICATED when the issuer does not confirm it; FORBIDDEN, with the
 *   `reason` NO_ACCOUNT, where none can be made; UNAUTHENTICATED, with the `reason` SECOND_FACTOR, for an account that has one; LOCKED for a suspended account; UNAVAILABLE when the issuer is away
 */
export const loginWithOidc = async (
  context: Context,
  input: Return & { readonly deviceToken?: string | null | undefined },
): Promise<SignedIn | SignUp> => {
  const { issuer, claims } = await finish(context, input);
  const found = await identify(context, issuer, claims);
  if (found !== null) {
    const { user } = found;
    assertInUse(context, user);
    const factors = await factorsOf(context.db.prisma, user.id);
    if (isOn(factors)) {
      const deviceId = knownDevice(context, user.id, input.deviceToken);
      throw await askForFactor(context, {
        user,
        guesser: guesserOf(context, { userId: user.id, identifier: user.username, deviceId }),
        factors,
      });
    }
    return { user, credentials: await startSession(context, user.id, 'loginWithOidc', input.deviceToken) };
  }
  const { label, name } = issuer.settings;
  if (!makesAccounts(context, issuer)) {
    const { ip, requestId } = context.client;
    context.log.info({ issuer: name, ip, requestId }, 'a sign-in by an issuer was refused: nobody here has this identity');
    throw coded('FORBIDDEN', `Nobody here has this account of ${label}, and none is made by it.`, { reason: 'NO_ACCOUNT' });
  }
  return { issuer, claims, token: ticketOf(context, issuer, claims) };
};

/** Links the identity that the viewer comes back with to their account. @throws the same as {@link loginWithOidc}, CONFLICT */
export const linkIdentity = async (context: Context, input: Return): Promise<Identity> => {
  const { id } = viewerOf(context);
  const { issuer, claims } = await finish(context, input, id);
  return await link(context, issuer, claims, id);
};

const finish = async (
  context: Context,
  input: Return,
  userId: string | null = null,
): Promise<{ readonly issuer: Issuer; readonly claims: IssuerClaims }> => {
  const aim = userId === null ? ({ purpose: 'SIGN_IN', userId } as const) : ({ purpose: 'LINK', userId } as const);
  const { issuer, flow } = await endAttempt(context, aim, input);
  return { issuer, claims: await issuer.exchange(flow, { code: input.code, iss: input.iss ?? null }) };
};

/** Whether somebody whom an issuer shows may make an account. */
export const makesAccounts = ({ config }: Pick<Services, 'config'>, { settings }: Issuer): boolean =>
  settings.createAccounts && config.accounts.registration !== 'closed';

/** A name that they might go by here; null when none of theirs would do. */
export const suggestedUsername = ({ usernames }: IssuerClaims): string | null => {
  const letters = usernames.map((username) =>
    username
      .normalize('NFKD')
      .replaceAll(/[^\w-]/g, '')
      .replace(/^[^A-Za-z]+/, ''),
  );
  return letters.map((username) => username.slice(0, MAX_USERNAME)).find((username) => usernameText.safeParse(username).success) ?? null;
};
const MAX_USERNAME = 30;

/** Their name there, as far as it may be shown here. */
export const suggestedDisplayName = ({ displayName }: IssuerClaims): string | null => displayNameText.safeParse(displayName).data ?? null;

/**
 * Makes an account for somebody whom an issuer has shown, and signs in to it; of a guest who is signed in, the account, in which they go on.
 * @throws the same as {@link createMember} and {@link claimAccount}; BAD_USER_INPUT for a token that is not good, CONFLICT for one that was used
 */
export const registerWithOidc = async (
  context: Context,
  input: Omit<NewMember, 'email' | 'by' | 'bio'> & { readonly token: string; readonly deviceToken?: string | null | undefined },
): Promise<{ readonly user: User; readonly credentials: Credentials | null }> => {
  const { issuer, claims } = readTicket(context, input.token);
  const now = new Date(context.clock.now());
  const email = claims.email === null ? null : (readEmailAddress(claims.email)?.written ?? null);
  const by: NewMember['by'] = {
    isEmailTheirs: issuer.settings.trustMail && claims.isEmailVerified,
    attach: async (tx, { id }) => {
      await attachIdentity(tx, now, issuer, claims, id);
      tx.audit('linkIdentity', { type: 'User', id }, { issuer: issuer.settings.name }, id);
    },
  };
  try {
    const { viewer } = context;
    if (viewer !== null) {
      if (viewer.role !== 'GUEST') throw hasAccount();
      return { user: await claimAccount(context, { ...input, email, by }), credentials: null };
    }
    const displayName = input.displayName ?? suggestedDisplayName(claims);
    const user = await createMember(context, { ...input, displayName, email, by });
    return { user, credentials: await startSession(context, user.id, 'registerWithOidc', input.deviceToken) };
  } catch (error) {
    if (isUniqueViolation(error)) throw coded('CONFLICT', 'This identity, or its mail address, has an account by now: sign in.');
    throw error;
  }
};

/*
 * Whoever has no account yet chooses a name first. What the issuer has said of them goes along with them meanwhile, signed, so that nothing need be kept
 * for those who do not come back. It is good once, since an identity belongs to one account.
 */

/** How long one may take to choose a name, in milliseconds. */
const CHOICE_MS = 30 * 60 * 1_000;

interface Ticket {
  readonly issuer: string;
  readonly claims: IssuerClaims;
  readonly until: number;
}

const signatureOf = ({ secretDigest }: Pick<Services, 'secretDigest'>, body: string): string => secretDigest(`oidc sign-up ${body}`);

const ticketOf = (context: Context, { settings }: Issuer, claims: IssuerClaims): string => {
  const ticket: Ticket = { issuer: settings.name, claims, until: context.clock.now() + CHOICE_MS };
  const body = Buffer.from(JSON.stringify(ticket)).toString('base64url');
  return `${body}.${signatureOf(context, body)}`;
};

/** @throws BAD_USER_INPUT for one that is not good */
const readTicket = (context: Context, token: string): { readonly issuer: Issuer; readonly claims: IssuerClaims } => {
  const [body = '', signature = ''] = token.split('.', 2);
  const [given, right] = [Buffer.from(signature), Buffer.from(signatureOf(context, body))];
  if (given.length === right.length && timingSafeEqual(given, right)) {
    const { issuer: name, claims, until } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Ticket;
    const issuer = context.issuers.get(name);
    if (issuer?.settings.createAccounts === true && until > context.clock.now()) return { issuer, claims };
  }
  throw badInput({ path: 'input.token', code: 'NOT_FOUND', message: 'This sign-in has ended. Begin again.' });
};
