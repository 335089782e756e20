import { createHash, randomBytes } from 'node:crypto';
import type { Context, Services } from '../../context.js';
import type { OidcPurpose } from '../../db/generated/prisma/client.js';
import { badInput } from '../../errors.js';
import type { CodeFlow, Issuer } from '../../integrations/openid.js';

/*
 * Between the moment somebody leaves for an issuer and the moment they come back, what is secret stays here: the verifier of PKCE and the nonce. The state
 * goes through the browser and the issuer, and finds the attempt again, once. The browser that has begun has a secret of its own, which goes nowhere:
 * whoever is led to the end of a sign-in that somebody else has begun does not have it, and so is not signed in to that somebody's account.
 */

/** How long an attempt may take, in milliseconds. */
const LIFE_MS = 10 * 60 * 1_000;

const newSecret = (): string => randomBytes(32).toString('base64url');
const digestOf = (secret: string): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(secret).digest());

/** What a browser gets to begin with. */
export interface Begun {
  /** Where it goes. */
  readonly url: string;
  /** What it keeps until it comes back. */
  readonly secret: string;
  readonly state: string;
  readonly expiresAt: Date;
}

/** What it comes back with. */
export interface Return {
  readonly state: string;
  readonly code: string;
  readonly iss?: string | null | undefined;
  readonly secret: string;
}

/** For what an attempt is: to sign in, or to link an identity to the account of a user. */
export type Aim = { readonly purpose: 'SIGN_IN'; readonly userId: null } | { readonly purpose: 'LINK'; readonly userId: string };

/** Where browsers come back to unless they say otherwise: a page of the web client. */
export const returnUrl = ({ config }: Pick<Services, 'config'>): string => `${config.publicUrl}/sign-in/oidc`;

/** @throws UNAVAILABLE when the issuer is away, BAD_USER_INPUT for an address that the operator has not named */
export const beginAttempt = async (
  context: Context,
  issuer: Issuer,
  { purpose, userId }: Aim,
  redirectUri: string = returnUrl(context),
): Promise<Begun> => {
  const { db, clock, config } = context;
  const isOwn = config.webClient && redirectUri === returnUrl(context);
  if (!isOwn && !issuer.settings.redirectUris.includes(redirectUri))
    throw badInput({ path: 'input.redirectUri', code: 'NOT_ALLOWED', message: 'Is no address that browsers may come back to.' });
  const [state, secret, nonce, codeVerifier] = [newSecret(), newSecret(), newSecret(), newSecret()];
  const url = await issuer.authorizationUrl({ redirectUri, state, nonce, codeVerifier });
  const expiresAt = new Date(clock.now() + LIFE_MS);
  await db.prisma.oidcAttempt.create({
    data: {
      stateHash: digestOf(state),
      secretHash: digestOf(secret),
      issuer: issuer.settings.name,
      purpose,
      userId,
      nonce,
      codeVerifier,
      redirectUri,
      expiresAt,
    },
  });
  return { url, secret, state, expiresAt };
};

interface Found extends Omit<CodeFlow, 'state'> {
  readonly issuer: string;
}

/**
 * Ends an attempt, which is not found again whatever comes of it.
 * @throws BAD_USER_INPUT for one that has ended, was begun by another browser or for something else, or never was
 */
export const endAttempt = async (
  { db, clock, issuers }: Pick<Services, 'db' | 'clock' | 'issuers'>,
  { purpose, userId }: Aim,
  { state, secret }: Return,
): Promise<{ readonly issuer: Issuer; readonly flow: CodeFlow }> => {
  const [found] = await db.prisma.$queryRaw<Found[]>`
    DELETE FROM oidc_attempt
    WHERE state_hash = ${digestOf(state)} AND secret_hash = ${digestOf(secret)} AND purpose = ${purpose satisfies OidcPurpose}::oidc_purpose
      AND user_id IS NOT DISTINCT FROM ${userId}::uuid AND expires_at > ${new Date(clock.now())}
    RETURNING issuer, nonce, code_verifier AS "codeVerifier", redirect_uri AS "redirectUri"`;
  const issuer = found && issuers.get(found.issuer);
  if (found === undefined || issuer === undefined) {
    const message = 'This sign-in has ended, or was begun in another browser. Begin again.';
    throw badInput({ path: 'input.state', code: 'NOT_FOUND', message });
  }
  const { nonce, codeVerifier, redirectUri } = found;
  return { issuer, flow: { state, nonce, codeVerifier, redirectUri } };
};

/** Deletes attempts from which nobody came back. */
export const deleteOldAttempts = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  await db.prisma.oidcAttempt.deleteMany({ where: { expiresAt: { lt: new Date(clock.now()) } } });
};
