import type { InputFieldMap } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { builder, type Types } from '../../graphql/builder.js';
import { connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import type { User as UserRow } from '../../db/generated/prisma/client.js';
import { badInput, notFound } from '../../errors.js';
import type { Context, Viewer } from '../../context.js';
import { batchedField } from '../../graphql/loaders.js';
import { hasAll } from '../../graphql/held-rows.js';
import { decodeId } from '../../graphql/ids.js';
import { mutation, okField, type MutationOptions } from '../../graphql/mutation.js';
import { LOOKED_UP, PASSWORD, READ, WRITE } from '../../graphql/price.js';
import { text } from '../../graphql/text.js';
import { sessionOf, viewerOf } from '../../access/viewer.js';
import { findUser, findUsers, PUBLIC_COLUMNS } from './account.js';
import { deviceOf } from './device.js';
import {
  bioText,
  deviceTokenText,
  displayNameText,
  emailText,
  invitationText,
  isUsername,
  linkTokenText,
  localeText,
  passwordText,
  statusText,
  timeZoneText,
  usernameKey,
  usernameText,
} from './rules.js';
import {
  endSession,
  findByRefreshToken,
  noSuchSession,
  refreshSession,
  startSession,
  type Credentials as SessionCredentials,
  type SignedIn,
} from './sessions.js';
import { signIn } from './sign-in.js';
import { consentOfNew } from './terms.js';
import { assertDirectory, claimAccount, createGuest, createMember, oldestFirst, updateProfile, matchingUsers } from './users.js';

const MAX_SEARCH = 100;
/** What a new password may be. */
export const NEW_PASSWORD = '8 to 200 characters of any kind, hard to guess: else TOO_WEAK.';

// ---------------------------------------------------------------- types

export const Role = builder.enumType('Role', {
  description: 'What a user may do. Each role may do what those before it may.',
  values: {
    GUEST: { description: 'Has joined with nothing but a name.' },
    MEMBER: { description: 'Has an account.' },
    AGENT: { description: 'Answers support conversations.' },
    MODERATOR: { description: 'Moderates what others write.' },
    ADMIN: { description: 'May do everything.' },
  } as const,
});

export const Audience = builder.enumType('Audience', {
  description: 'Who may do something with a user.',
  values: {
    EVERYONE: { description: 'Everyone.' },
    FOLLOWED: { description: 'Whom they follow.' },
    NOBODY: { description: 'Nobody.' },
  } as const,
});

export const User = builder.prismaNode('User', {
  id: { field: 'id', description: 'Its global id.' },
  nullable: true,
  select: PUBLIC_COLUMNS,
  description: 'A user of the community: somebody with an account, or a guest.',
  fields: (t) => ({
    username: t.exposeString('username', { description: 'The unique name, in the case that was chosen.' }),
    displayName: t.exposeString('displayName', { description: 'The name to show; 1 to 100 characters.' }),
    bio: t.exposeString('bio', { nullable: true, description: 'What they say about themselves.' }),
    status: t.exposeString('status', { nullable: true, description: 'What they are at, in their own words.' }),
    locale: t.exposeString('locale', { nullable: true, description: 'Their language, as a tag of BCP 47, such as `de-AT`.' }),
    timeZone: t.exposeString('timeZone', { nullable: true, description: 'Their time zone, by its IANA name, such as `Europe/Vienna`.' }),
    role: t.expose('role', { type: Role, description: 'What they may do.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they joined.' }),
    isDeleted: t.exposeBoolean('isDeleted', {
      description: 'Whether the account was deleted: then it has no name any more, and stands where others rely on what was written.',
    }),
  }),
});

export const UserConnection = connectionType(User, 'User');

export const Me = builder.prismaObject('User', {
  variant: 'Me',
  select: { id: true },
  description: 'What only the viewer sees of their account.',
  fields: (t) => ({
    user: t.variant(User, { description: 'The viewer as everyone sees them.' }),
    email: t.string({
      nullable: true,
      description:
        'The mail address of the account, as it was written; of a new account the one that waits to be confirmed. Null for guests, and for whom nobody has named one.',
      select: { email: true, pendingEmail: true },
      resolve: ({ email, pendingEmail }) => email ?? pendingEmail,
    }),
    hasPassword: t.boolean({
      description: 'Whether there is a password to sign in with.',
      select: { passwordHash: true },
      resolve: ({ passwordHash }) => passwordHash !== null,
    }),
  }),
});

builder.nodeRef<Pick<UserRow, 'id'>, string, typeof Me>(Me, {
  id: { resolve: ({ id }) => id, description: 'The global id of this view of the viewer; `user.id` is that of the user.' },
  loadWithoutCache: async (id, context, info) =>
    context.viewer?.id === id ? await context.db.prisma.user.findUnique({ ...nodeQuery(context, info, 'Me'), where: { id } }) : null,
});

/** The viewer's own row, which is not read where only its id is selected: lists of theirs ask for no more. */
const own = <Row extends UserRow | null>(
  { id }: Viewer,
  query: { readonly select?: object },
  read: () => Promise<Row>,
): Promise<Row> | UserRow => (query.select !== undefined && hasAll({ id }, query) ? ({ id } as UserRow) : read());

/** The field `me` of a mutation's payload: the viewer, read after the mutation, with every list and count that it has changed. */
export const meField = <Payload extends object>(t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>) =>
  t.prismaField({
    type: Me,
    price: LOOKED_UP,
    description: 'The viewer, with their lists and counts as they are now.',
    resolve: (query, _payload, _args, context) => {
      const viewer = viewerOf(context);
      return own(viewer, query, () => context.db.prisma.user.findUniqueOrThrow({ ...query, where: { id: viewer.id } }));
    },
  });

/** The user with this id, with what is selected of them; null when there is none. Read once for all rows at the same place of the response. */
export const loadUser = async (context: Context, info: GraphQLResolveInfo, userId: string): Promise<UserRow | null> => {
  const query = nodeQuery(context, info, 'User');
  const user = await batchedField(context, info, userId, async (ids) => {
    const users = await findUsers(context.db, ids, query);
    return new Map(users.map((each) => [each.id, each]));
  });
  return user ?? null;
};

/** A field with the user whose id the parent has. */
export const userField = <Parent extends object>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Parent>,
  description: string,
  userId: (parent: Parent) => string,
) =>
  t.prismaField({
    type: User,
    price: LOOKED_UP,
    description,
    resolve: async (query, parent, _args, { db }) => {
      const user = await db.prisma.user.findUnique({ ...query, where: { id: userId(parent) } });
      // Such as one whom somebody has named who never was.
      if (user === null) throw notFound('User');
      return user;
    },
  });

/** The input field of a mutation that names a user. */
export const userInput = { required: true, idOf: 'User', description: 'The user.' } as const;

/** The field `user` of a mutation's payload. */
export const userPayloadField = <Payload extends { readonly user: UserRow }>(t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>) =>
  t.field({ type: User, description: 'The user as they are now.', resolve: ({ user }) => user });

/** The payload of a mutation that changes a user. */
export const userPayload = {
  description: 'The user.',
  reloaders: { user: findUser },
  fields: (t) => ({ user: userPayloadField(t) }),
} satisfies MutationOptions<InputFieldMap, { readonly user: UserRow }>['payload'];

export const Credentials = builder.objectRef<SessionCredentials>('Credentials').implement({
  description: 'The tokens of a session.',
  fields: (t) => ({
    accessToken: t.string({
      description: 'Send it as `Authorization: Bearer …` over HTTP, and in `connectionParams: { accessToken }` on a socket.',
      resolve: ({ access }) => access.token,
    }),
    accessTokenExpiresAt: t.field({
      type: 'DateTime',
      description: 'When the access token ends. Call `refreshSession` before.',
      resolve: ({ access }) => access.expiresAt,
    }),
    refreshToken: t.string({
      nullable: true,
      description:
        'Valid for one `refreshSession`, which returns the next one. Keep it secret. Null exactly where the request has the header `x-lyceum-session: cookie`: then it is in a cookie that no page can read.',
      resolve: ({ refreshToken }) => refreshToken,
    }),
    deviceToken: t.string({
      nullable: true,
      description:
        'Of a sign-in: tells this device again. Keep it beyond the end of the session, in the place of the one before, and send it with the next `login`: wrong passwords of others then hinder nobody there. It gives no access. Null of `refreshSession` and `changePassword`, after which the one before stays good.',
      resolve: ({ deviceToken }) => deviceToken ?? null,
    }),
  }),
});

/** The field `device` of what a client has said of itself. */
export const deviceField = <Parent extends { readonly userAgent: string | null }>(t: PothosSchemaTypes.ObjectFieldBuilder<Types, Parent>) =>
  t.string({
    nullable: true,
    description: '`userAgent` as a person would call it, such as `Firefox, Linux`; what is no browser says it itself.',
    resolve: ({ userAgent }) => userAgent && deviceOf(userAgent),
  });

/** Input fields of a mutation that makes an account. */
export const localeInput = { check: localeText, description: 'The language for mails, as a tag of BCP 47, such as `de-AT`.' } as const;
export const timeZoneInput = { check: timeZoneText, description: 'The time zone, by its IANA name, such as `Europe/Vienna`.' } as const;
export const invitationInput = {
  check: invitationText,
  description: 'The code of an invitation, where one is needed (`Registration.mode`).',
} as const;

/** The input field of a mutation that signs in. */
export const deviceTokenInput = {
  check: deviceTokenText,
  hasShare: true,
  description: 'The last `deviceToken` that this device was given, whoever signed in.',
} as const;

/** The input field of a mutation that needs more than a session. */
export const presentPasswordInput = {
  description:
    'The present password. Left out where the account has none (`Me.hasPassword`): then the viewer must have signed in within a quarter of an hour, else FORBIDDEN with the `reason` SIGN_IN_AGAIN.',
} as const;

/** The input field of a mutation that takes a link of a mail; `life` tells how long it is good. */
export const linkTokenInput = (life: string) =>
  ({
    required: true,
    check: linkTokenText,
    hasShare: true,
    description: `What stands behind the \`#\` of the link. It is good once, for ${life}.`,
  }) as const;

/** The fields of the payload of a mutation that signs in. */
export const signedInFields = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, SignedIn>) => ({
  user: t.field({ type: User, description: 'The user.', resolve: ({ user }) => user }),
  credentials: t.field({ type: Credentials, description: 'The new session.', resolve: ({ credentials }) => credentials }),
});

// ---------------------------------------------------------------- queries

builder.queryField('me', (t) =>
  t.prismaField({
    price: READ,
    type: Me,
    nullable: true,
    description: 'The viewer; null when not signed in.',
    resolve: (query, _root, _args, { db, viewer }) =>
      viewer && own(viewer, query, () => db.prisma.user.findUnique({ ...query, where: { id: viewer.id } })),
  }),
);

const UserBy = builder.inputType('UserBy', {
  description: 'Which user is meant: exactly one of the two is given.',
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: 'The id of the user.' }),
    username: t.string({ description: 'The username, in any case.' }),
  }),
});

builder.queryField('user', (t) =>
  t.prismaField({
    price: READ,
    type: User,
    nullable: true,
    description: 'The user with this id or this username; null when there is none. Exactly one of the arguments is given.',
    args: {
      by: t.arg({ type: UserBy, description: 'The id or the username.' }),
      id: t.arg.id({ description: 'The id of the user: the same as `by: { id }`.' }),
      username: t.arg.string({ description: 'The username, in any case: the same as `by: { username }`.' }),
    },
    resolve: (query, _root, { by, ...args }, { db }) => {
      const given = [by?.id, by?.username, args.id, args.username].filter((each) => typeof each === 'string');
      if (given.length !== 1) throw badInput({ path: 'by', code: 'EXCLUSIVE', message: 'Give either the id or the username.' });
      const id = by?.id ?? args.id;
      if (typeof id === 'string')
        return db.prisma.user.findUnique({ ...query, where: { id: decodeId('User', id, by?.id ? 'by.id' : 'id') } });
      const key = by?.username ?? args.username ?? '';
      return isUsername(key) ? db.prisma.user.findUnique({ ...query, where: { usernameKey: usernameKey(key) } }) : null;
    },
  }),
);

builder.queryField('users', (t) =>
  t.field({
    type: UserConnection,
    nullable: true,
    description:
      'All users who are listed, in the order they joined. Where the server has a directory for members only, UNAUTHENTICATED or FORBIDDEN for all others.',
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({
        validate: text(0, MAX_SEARCH),
        description: `Only those with this in the username or display name, without accents and case; up to ${MAX_SEARCH} characters.`,
      }),
    },
    resolve: (_root, args, context, info) => {
      assertDirectory(context);
      return listPage(context, info, args, { keyset: oldestFirst, list: { model: 'User', ...matchingUsers(args.search ?? '') } });
    },
  }),
);

// ---------------------------------------------------------------- mutations

mutation('register', {
  description:
    'Makes an account with a password and signs in to it. A link is sent to the mail address, which belongs to the account once that is opened: until then one signs in with the username. The answer is the same when the address has an account: its owner learns of it by mail.',
  access: 'anyone',
  limit: 'signUp',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The account to create.',
    fields: (t) => ({
      username: t.string({
        required: true,
        check: usernameText,
        description:
          '3 to 30 letters, digits, hyphens and underscores, beginning with a letter, but not with `guest-`. Unique, whatever the case, and not to be taken for a name that is in use, such as `b0b` for `bob`.',
      }),
      email: t.string({ required: true, check: emailText, description: 'A mail address; international ones are welcome.' }),
      password: t.string({
        required: true,
        check: passwordText,
        description: NEW_PASSWORD,
      }),
      displayName: t.string({
        check: displayNameText,
        description: 'The name to show, 1 to 100 characters; the username when left out.',
      }),
      locale: t.string(localeInput),
      timeZone: t.string(timeZoneInput),
      invitation: t.string(invitationInput),
      deviceToken: t.string(deviceTokenInput),
      termsVersion: t.string({
        check: text(1, 64),
        description: 'The version of the terms (`terms`) that is accepted; needed where there are any.',
      }),
    }),
  },
  run: async ({ termsVersion, ...input }, context) => {
    const consent = consentOfNew(context, termsVersion);
    const user = await createMember(context, { ...input, consent, by: { password: input.password } });
    return { user, credentials: await startSession(context, user.id, 'register', input.deviceToken) };
  },
  payload: {
    description: 'The new user, signed in.',
    fields: (t) => ({
      user: t.field({ type: User, description: 'The new user.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        description: 'The credentials of their session.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
});

mutation('login', {
  description:
    'Signs in with a password and opens a session. An unknown name and a wrong password give the same error. Whoever is wrong too often waits longer and longer (RATE_LIMITED with `retryAfterMs`), and nobody else does. While many guess at an account, an address that is not known is answered UNAUTHENTICATED with the `reason` CONFIRM_BY_MAIL, whether the password is right or wrong; if it is right, a link for `confirmSignIn` is mailed. For the right password of an account with a second factor the `reason` is SECOND_FACTOR: see `finishLogin`.',
  access: 'anyone',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The name and the password to sign in with.',
    fields: (t) => ({
      identifier: t.string({
        required: true,
        hasShare: true,
        description: 'The username, or a mail address that has been confirmed, in any case.',
      }),
      password: t.string({ required: true, description: 'The password.' }),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context) => await signIn(context, input),
  payload: {
    description: 'The user who has signed in, and their new session.',
    fields: signedInFields,
  },
});

mutation('joinAsGuest', {
  description: 'Creates a guest, who needs nothing but a name, and signs in. A guest whose credentials are lost cannot sign in again.',
  access: 'anyone',
  limit: 'signUp',
  repeats: 'never',
  input: {
    description: 'The guest to create.',
    fields: (t) => ({
      displayName: t.string({
        required: true,
        check: displayNameText,
        description: 'The name to show; 1 to 100 characters.',
      }),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context) => {
    const user = await createGuest(context, input);
    return { user, credentials: await startSession(context, user.id, 'joinAsGuest', input.deviceToken) };
  },
  payload: {
    description: 'The new guest, signed in.',
    fields: (t) => ({
      user: t.field({ type: User, description: 'The guest, with a generated username.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        description: 'The credentials of their session.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
});

mutation('claimAccount', {
  description:
    'Makes an account of the guest that the viewer is: they keep what they wrote, and go on in this session. What is asked of the account, and said of its mail address, is the same as for `register`.',
  access: 'signedIn',
  scope: 'SESSION',
  limit: 'claim',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The account.',
    fields: (t) => ({
      username: t.string({ required: true, check: usernameText, description: 'The username, as for `register`.' }),
      email: t.string({ required: true, check: emailText, description: 'A mail address; international ones are welcome.' }),
      password: t.string({ required: true, check: passwordText, description: NEW_PASSWORD }),
      invitation: t.string(invitationInput),
    }),
  },
  run: async (input, context) => ({ user: await claimAccount(context, { ...input, by: { password: input.password } }) }),
  payload: {
    description: 'The user, who is a member now.',
    fields: (t) => ({ user: t.field({ type: User, description: 'The user.', resolve: ({ user }) => user }) }),
  },
});

mutation('refreshSession', {
  description:
    'Exchanges a refresh token for new credentials. Each is valid once; sent again within ten seconds it gives the same next token, as for two tabs or a lost answer, and later it ends the session.',
  access: 'anyone',
  repeats: 'never',
  input: {
    description: 'The session to renew, by its refresh token.',
    fields: (t) => ({
      refreshToken: t.string({
        hasShare: true,
        description: 'The refresh token that came last; the one of the cookie when left out, with the header `x-lyceum-session: cookie`.',
      }),
    }),
  },
  run: async ({ refreshToken }, context) => {
    const { sessionCookie } = context;
    const token = refreshToken || (sessionCookie?.refreshToken ?? null);
    if (token !== null) return await refreshSession(context, token);
    // The browser has lost its cookie, and with it the session.
    if (sessionCookie !== null) throw noSuchSession();
    throw badInput({ path: 'input.refreshToken', code: 'REQUIRED', message: 'Must be given.' });
  },
  payload: {
    description: "The session's new credentials.",
    fields: (t) => ({
      credentials: t.field({
        type: Credentials,
        description: 'The credentials that replace those before.',
        resolve: ({ credentials }) => credentials,
      }),
      user: userField(t, 'Whose session it is.', ({ userId }) => userId),
    }),
  },
});

mutation('logout', {
  description:
    "Ends the session that the request's token belongs to, and with it all of its tokens. Without a good one it ends that of the cookie, where the request has the header `x-lyceum-session: cookie`.",
  // An access token that has expired is no reason to stay.
  access: 'anyone',
  repeats: 'never',
  input: null,
  run: async (_input, context) => {
    const { principal, sessionCookie } = context;
    const cookie = principal === null ? sessionCookie?.refreshToken : null;
    const session = cookie ? await findByRefreshToken(context, cookie) : { id: sessionOf(context).sessionId, userId: viewerOf(context).id };
    if (session !== null) await endSession(context, session);
    sessionCookie?.forget();
    return { ok: true };
  },
  payload: {
    description: 'Confirms that the session has ended.',
    fields: (t) => ({ ok: okField(t) }),
  },
});

mutation('updateProfile', {
  description: "Changes the viewer's profile, as others see it.",
  access: 'signedIn',
  scope: 'WRITE_ACCOUNT',
  input: {
    description: 'The fields to change; those left out stay as they are.',
    fields: (t) => ({
      displayName: t.string({ check: displayNameText, description: 'The name to show; 1 to 100 characters.' }),
      bio: t.string({
        check: bioText,
        description: 'A text about themselves; at most 1,000 characters, null removes it.',
      }),
      status: t.string({ check: statusText, description: 'What they are at, on one line; at most 100 characters, null removes it.' }),
      locale: t.string({ check: localeText, description: 'Their language, as a tag of BCP 47, such as `de-AT`; null removes it.' }),
      timeZone: t.string({ check: timeZoneText, description: 'Their time zone, by its IANA name; null removes it.' }),
    }),
  },
  run: async (input, context) => ({ user: await updateProfile(context, input) }),
  payload: {
    description: 'The changed profile.',
    reloaders: { user: findUser },
    fields: (t) => ({ user: t.field({ type: User, description: 'The viewer.', resolve: ({ user }) => user }) }),
  },
});
