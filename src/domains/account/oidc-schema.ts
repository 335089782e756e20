import type { Issuer as IssuerOfServer } from '../../integrations/openid.js';
import { builder, type Types } from '../../graphql/builder.js';
import { mutation } from '../../graphql/mutation.js';
import { upTo } from '../../graphql/text.js';
import { loginWithOidc, makesAccounts, registerWithOidc, startOidc, suggestedDisplayName, suggestedUsername, type SignUp } from './oidc.js';
import { anyPasswordText, displayNameText, usernameText } from './rules.js';
import { Credentials, deviceTokenInput, invitationInput, localeInput, presentPasswordInput, timeZoneInput, User } from './schema.js';
import type { SignedIn } from './sessions.js';

/** As many as the configuration may name. */
const MAX_ISSUERS = 20;
const MAX_NAME = 100;
/** The longest that is taken of what goes through a browser, in characters. */
const MAX_CODE = 4_000;
const MAX_TICKET = 8_000;

export const OidcIssuer = builder.objectRef<IssuerOfServer>('OidcIssuer').implement({
  description: 'Another server by which one signs in here, with OpenID Connect.',
  fields: (t) => ({
    name: t.string({ description: 'What it is called in `startOidc`.', resolve: ({ settings }) => settings.name }),
    label: t.string({ description: 'What it is called for people.', resolve: ({ settings }) => settings.label }),
    makesAccounts: t.boolean({
      description: 'Whether somebody who has no account yet can make one by it.',
      resolve: (issuer, _args, context) => makesAccounts(context, issuer),
    }),
  }),
});

builder.queryField('oidcIssuers', (t) =>
  t.field({
    type: [OidcIssuer],
    price: { own: 1, items: MAX_ISSUERS },
    description: 'The other servers by which one signs in here, in the order of the operator: for the buttons of a sign-in page.',
    resolve: (_root, _args, { issuers }) => [...issuers.values()],
  }),
);

const OidcPurpose = builder.enumType('OidcPurpose', {
  description: 'What somebody wants by another server.',
  values: {
    SIGN_IN: { description: 'To sign in, or to make an account: `loginWithOidc` is next.' },
    LINK: { description: 'To sign in to the account of the viewer by it from now on: `linkIdentity` is next.' },
  } as const,
});

mutation('startOidc', {
  description:
    'Begins a sign-in by another server: send the browser to `url`. It comes back to the page of `redirectUri` with `code`, `state` and maybe `iss` in the query of its address, or with `error`. UNAVAILABLE when that server is away.',
  access: 'anyone',
  limit: 'oidc',
  repeats: 'never',
  input: {
    description: 'By which server, and for what.',
    fields: (t) => ({
      issuer: t.string({ required: true, check: upTo(MAX_NAME), description: 'The `name` of one of `oidcIssuers`.' }),
      purpose: t.field({ type: OidcPurpose, description: 'SIGN_IN when left out.' }),
      redirectUri: t.string({
        check: upTo(MAX_CODE),
        description: 'Where the browser comes back to, one that the operator has named: the page of the web client when left out.',
      }),
      password: t.string({ check: anyPasswordText, description: `To link only. ${presentPasswordInput.description}` }),
    }),
  },
  run: async (input, context) => await startOidc(context, input),
  payload: {
    description: 'How it goes on.',
    fields: (t) => ({
      url: t.exposeString('url', { description: 'Where the browser goes.' }),
      state: t.exposeString('state', { description: 'What it comes back with: by it a client finds its `secret` again.' }),
      secret: t.exposeString('secret', {
        description:
          'To be kept in the browser until it comes back, and sent to nobody but this server: the sign-in ends in this browser alone.',
      }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it must have come back: ten minutes.' }),
    }),
  },
});

/** The input fields of a mutation to which a browser comes back. */
export const returnFields = (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => ({
  state: t.string({
    required: true,
    hasShare: true,
    check: upTo(MAX_NAME),
    description: 'The parameter `state` that the browser came back with.',
  }),
  code: t.string({ required: true, check: upTo(MAX_CODE), description: 'The parameter `code`; it is good once.' }),
  iss: t.string({ check: upTo(MAX_CODE), description: 'The parameter `iss`, if there is one.' }),
  secret: t.string({ required: true, check: upTo(MAX_NAME), description: 'The `secret` of `startOidc`, which this browser has kept.' }),
});

const OidcSignUp = builder.objectRef<SignUp>('OidcSignUp').implement({
  description: 'Somebody whom another server has shown, and who has no account here yet.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'For `registerWithOidc`, within half an hour.' }),
    issuer: t.field({ type: OidcIssuer, description: 'Who has shown them.', resolve: ({ issuer }) => issuer }),
    username: t.string({
      nullable: true,
      description: 'A username that is like theirs there, free or not; null when none would do.',
      resolve: ({ claims }) => suggestedUsername(claims),
    }),
    displayName: t.string({ nullable: true, description: 'Their name there.', resolve: ({ claims }) => suggestedDisplayName(claims) }),
    email: t.string({
      nullable: true,
      description: 'Their mail address there, which the account gets.',
      resolve: ({ claims }) => claims.email,
    }),
  }),
});

interface Outcome {
  readonly signedIn: SignedIn | null;
  readonly signUp: SignUp | null;
}

mutation('loginWithOidc', {
  description:
    'Signs in whoever comes back from another server. Somebody who has no account here gets `signUp`, with which they make one; where none can be made, FORBIDDEN with the `reason` NO_ACCOUNT. An account with a second factor is asked for it as by `login`, and `finishLogin` finishes the sign-in. What that server does not confirm is UNAUTHENTICATED with the `reason` ISSUER_REFUSED; a sign-in that has ended, or was begun in another browser, BAD_USER_INPUT.',
  access: 'anyone',
  repeats: 'never',
  input: {
    description: 'What the browser came back with.',
    fields: (t) => ({
      ...returnFields(t),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context): Promise<Outcome> => {
    const outcome = await loginWithOidc(context, input);
    return 'user' in outcome ? { signedIn: outcome, signUp: null } : { signedIn: null, signUp: outcome };
  },
  payload: {
    description: 'The user who has signed in, or who may make an account.',
    fields: (t) => ({
      user: t.field({
        type: User,
        nullable: true,
        description: 'The user; null for who has no account yet.',
        resolve: ({ signedIn }) => signedIn?.user,
      }),
      credentials: t.field({
        type: Credentials,
        nullable: true,
        description: 'The new session; null for who has no account yet.',
        resolve: ({ signedIn }) => signedIn?.credentials,
      }),
      signUp: t.field({
        type: OidcSignUp,
        nullable: true,
        description: 'For who has no account yet: what they make one with.',
        resolve: ({ signUp }) => signUp,
      }),
    }),
  },
});

mutation('registerWithOidc', {
  description:
    'Makes an account for somebody whom another server has shown, and signs in to it. A guest who is signed in gets the account, keeps what they wrote, and goes on in their session. The username is chosen as for `register`. The mail address is that of the other server: where the operator believes it, it is confirmed, else a link is sent to it.',
  access: 'anyone',
  limit: 'signUp',
  repeats: 'never',
  input: {
    description: 'The account to create.',
    fields: (t) => ({
      token: t.string({ required: true, check: upTo(MAX_TICKET), description: 'The `token` of `loginWithOidc.signUp`.' }),
      username: t.string({ required: true, check: usernameText, description: 'The username, as for `register`.' }),
      displayName: t.string({ check: displayNameText, description: 'The name to show; the one of the other server when left out.' }),
      locale: t.string(localeInput),
      timeZone: t.string(timeZoneInput),
      invitation: t.string(invitationInput),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context) => await registerWithOidc(context, input),
  payload: {
    description: 'The new user, signed in.',
    fields: (t) => ({
      user: t.field({ type: User, description: 'The new user.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        nullable: true,
        description: 'The credentials of their session; null of a guest, whose session goes on.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
});
