import { z } from 'zod';
import { builder } from '../../builder.js';
import { connectionType, listPage, nodeQuery } from '../../connection.js';
import type { User as UserRow } from '../../db/generated/prisma/client.js';
import { badInput } from '../../errors.js';
import { batched } from '../../loaders.js';
import { text } from '../../text.js';
import { viewerOf } from '../../viewer.js';
import { bioText, displayNameText, emailText, isUsername, passwordText, usernameKey, usernameText } from './rules.js';
import { endSession, refreshSession, startSession, type Credentials as SessionCredentials } from './sessions.js';
import { createGuest, createMember, findByPassword, oldestFirst, updateProfile, whoMatch } from './users.js';

const MAX_SEARCH = 100;

/** Devices with a socket in any process whose lease is alive; one that is at several processes is one. */
const deviceCount = batched(async ({ db }, userIds) => {
  const rows = await db.prisma.$queryRaw<{ readonly userId: string; readonly devices: number }[]>`
    SELECT d.user_id AS "userId", count(DISTINCT device_id)::int AS devices
    FROM presence_device d JOIN presence_lease l ON l.process_id = d.process_id CROSS JOIN unnest(d.device_ids) AS device_id
    WHERE d.user_id = ANY (${[...userIds]}::uuid[]) AND l.expires_at > now()
    GROUP BY d.user_id`;
  return new Map(rows.map(({ userId, devices }) => [userId, devices]));
}, 0);

// ---------------------------------------------------------------- types

export const Role = builder.enumType('Role', {
  description: 'What a user may do. Each role may do what those before it may.',
  values: {
    GUEST: { description: 'Has joined with nothing but a name.' },
    MEMBER: { description: 'Has an account with a password.' },
    AGENT: { description: 'Works support conversations.' },
    MODERATOR: { description: 'Looks after what others write.' },
    ADMIN: { description: 'May do everything.' },
  } as const,
});

/**
 * Reads the public columns and no others, so that no list of users carries password hashes about. They are resolved
 * from the row, not exposed: Pothos would read a row again that a mutation has at hand.
 */
export const User = builder.prismaNode('User', {
  id: { field: 'id', description: 'Its global id.' },
  nullable: true,
  select: { id: true, username: true, displayName: true, bio: true, role: true, createdAt: true },
  description: 'Someone who takes part.',
  fields: (t) => ({
    username: t.string({
      description: 'The unique name, in the case that was chosen.',
      resolve: (user) => user.username,
    }),
    displayName: t.string({
      description: 'The name to show; 1 to 100 characters.',
      resolve: (user) => user.displayName,
    }),
    bio: t.string({ nullable: true, description: 'What they say about themselves.', resolve: (user) => user.bio }),
    role: t.field({ type: Role, description: 'What they may do.', resolve: (user) => user.role }),
    createdAt: t.field({ type: 'DateTime', description: 'When they joined.', resolve: (user) => user.createdAt }),
  }),
});

export const UserConnection = connectionType(User, 'User');

export const Me = builder.prismaObject('User', {
  variant: 'Me',
  select: { id: true },
  description: 'What only the viewer sees of the viewer.',
  fields: (t) => ({
    user: t.variant(User, { description: 'The viewer as everyone sees them.' }),
    email: t.exposeString('email', {
      nullable: true,
      description: 'The address of the account, in lower case; null for guests.',
    }),
    deviceCount: t.int({
      description: 'How many devices of the viewer have a socket now. A device is what connects with the same `deviceId`, or else the same session: several tabs are one.',
      resolve: (me, _args, context) => deviceCount(context, me.id),
    }),
  }),
});

builder.nodeRef<Pick<UserRow, 'id'>, string, typeof Me>(Me, {
  id: { resolve: ({ id }) => id, description: 'The global id of this view of the viewer; `user.id` is that of the user.' },
  loadWithoutCache: async (id, context, info) =>
    context.viewer?.id === id ? await context.db.prisma.user.findUnique({ ...nodeQuery(context, info, 'Me'), where: { id } }) : null,
});

export const Credentials = builder.objectRef<SessionCredentials>('Credentials').implement({
  description: 'What a client holds of a session.',
  fields: (t) => ({
    accessToken: t.string({
      description:
        'Goes into `Authorization: Bearer` on HTTP and into `connectionParams: { accessToken }` on a socket.',
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
        'Good for one `refreshSession`, which gives the next. Keep it secret. Null where it travels in a cookie.',
      resolve: ({ refreshToken }) => refreshToken,
    }),
  }),
});

// ---------------------------------------------------------------- queries

builder.queryField('me', (t) =>
  t.prismaField({
    type: Me,
    nullable: true,
    description: 'The viewer; null when not signed in.',
    resolve: (query, _root, _args, { db, viewer }) =>
      viewer === null ? null : db.prisma.user.findUnique({ ...query, where: { id: viewer.id } }),
  }),
);

builder.queryField('user', (t) =>
  t.prismaField({
    type: User,
    nullable: true,
    description: 'The user with this username; null when there is none.',
    args: { username: t.arg.string({ required: true, description: 'The username, in any case.' }) },
    resolve: (query, _root, { username }, { db }) =>
      isUsername(username)
        ? db.prisma.user.findUnique({ ...query, where: { usernameKey: usernameKey(username) } })
        : null,
  }),
);

builder.queryField('users', (t) =>
  t.field({
    type: UserConnection,
    nullable: true,
    description: 'All users, in the order of their joining.',
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({
        validate: text(0, MAX_SEARCH),
        description: `Only those with this in the username or display name, in any case; up to ${MAX_SEARCH} characters.`,
      }),
    },
    resolve: (_root, args, context, info) => {
      const where = whoMatch(args.search ?? '');
      return listPage(context, info, args, {
        keyset: oldestFirst,
        find: (page, query) =>
          context.db.prisma.user.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.user.count({ where }),
      });
    },
  }),
);

// ---------------------------------------------------------------- mutations

// Inputs are validated as a whole, not field by field: the validation of fields ends with the first mistake, and people
// who fill in a form want to know them all.

/** Answered even when the request carries a token that is refused: this is how one gets a good one. */
const viewerless = { extensions: { viewerless: true } };

builder.relayMutationField(
  'register',
  {
    description: 'A new account.',
    validate: z.object({
      username: usernameText,
      email: emailText,
      password: passwordText,
      displayName: displayNameText.nullish(),
    }),
    inputFields: (t) => ({
      username: t.string({
        required: true,
        description:
          '3 to 30 letters, digits, hyphens and underscores, beginning with a letter, but not with `guest-`. Unique, whatever the case.',
      }),
      email: t.string({ required: true, description: 'An email address that has no account yet.' }),
      password: t.string({ required: true, description: '8 to 200 characters.' }),
      displayName: t.string({ description: 'The name to show, 1 to 100 characters; the username when left out.' }),
    }),
  },
  {
    ...viewerless,
    description: 'Makes an account with a password and signs in to it.',
    resolve: async (_root, { input }, context) => {
      await context.limits.consume('signUp', context.client.ip);
      const user = await createMember(context, input);
      return { user, credentials: await startSession(context, user.id) };
    },
  },
  {
    description: 'The new account.',
    outputFields: (t) => ({
      user: t.field({ type: User, description: 'The new user.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        description: 'Their session.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
);

builder.relayMutationField(
  'login',
  {
    description: 'Who signs in.',
    inputFields: (t) => ({
      identifier: t.string({ required: true, description: 'The username or the email address, in any case.' }),
      password: t.string({ required: true, description: 'The password.' }),
    }),
  },
  {
    ...viewerless,
    description: 'Signs in with a password and opens a session. Whatever is wrong, the answer is the same.',
    resolve: async (_root, { input }, context) => {
      const guessed = { loginFromAddress: context.client.ip, loginAsName: input.identifier.trim().toLowerCase() };
      const user = await context.limits.guess(guessed, () => findByPassword(context, input));
      return { user, credentials: await startSession(context, user.id) };
    },
  },
  {
    description: 'Who has signed in.',
    outputFields: (t) => ({
      user: t.field({ type: User, description: 'The user.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        description: 'The new session.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
);

builder.relayMutationField(
  'joinAsGuest',
  {
    description: 'A new guest.',
    validate: z.object({ displayName: displayNameText }),
    inputFields: (t) => ({
      displayName: t.string({ required: true, description: 'The name to show; 1 to 100 characters.' }),
    }),
  },
  {
    ...viewerless,
    description: 'Takes part with nothing but a name. Whoever loses the credentials of a guest cannot sign in again.',
    resolve: async (_root, { input }, context) => {
      await context.limits.consume('signUp', context.client.ip);
      const user = await createGuest(context, input);
      return { user, credentials: await startSession(context, user.id) };
    },
  },
  {
    description: 'The new guest.',
    outputFields: (t) => ({
      user: t.field({ type: User, description: 'The guest, with a generated username.', resolve: ({ user }) => user }),
      credentials: t.field({
        type: Credentials,
        description: 'Their session.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
);

builder.relayMutationField(
  'refreshSession',
  {
    description: 'Which session goes on.',
    inputFields: (t) => ({
      refreshToken: t.string({ description: 'The refresh token that came last.' }),
    }),
  },
  {
    ...viewerless,
    description:
      'Exchanges a refresh token for new credentials. Each is good once; a used one that comes back ends the session.',
    resolve: async (_root, { input }, context) => {
      if (!input.refreshToken) throw badInput({ path: 'input.refreshToken', message: 'Must be given.' });
      return { credentials: await refreshSession(context, input.refreshToken) };
    },
  },
  {
    description: "The session's new credentials.",
    outputFields: (t) => ({
      credentials: t.field({
        type: Credentials,
        description: 'What replaces the credentials before.',
        resolve: ({ credentials }) => credentials,
      }),
    }),
  },
);

builder.relayMutationField(
  'logout',
  null,
  {
    description:
      "Ends the session that the request's token belongs to; none of its tokens is good for anything from here.",
    authScopes: { signedIn: true },
    resolve: async (_root, _args, context) => {
      await endSession(context, viewerOf(context).sessionId);
      return { ok: true };
    },
  },
  {
    description: 'The session is over.',
    outputFields: (t) => ({ ok: t.boolean({ description: 'Always true.', resolve: ({ ok }) => ok }) }),
  },
);

builder.relayMutationField(
  'updateProfile',
  {
    description: 'What to change; what is left out stays.',
    validate: z.object({ displayName: displayNameText.nullish(), bio: bioText.nullish() }),
    inputFields: (t) => ({
      displayName: t.string({ description: 'The name to show; 1 to 100 characters.' }),
      bio: t.string({ description: 'Something about oneself, at most 1,000 characters; null takes it away.' }),
    }),
  },
  {
    description: 'Changes what others see of the viewer.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({ user: await updateProfile(context, input) }),
  },
  {
    description: 'The changed profile.',
    outputFields: (t) => ({ user: t.field({ type: User, description: 'The viewer.', resolve: ({ user }) => user }) }),
  },
);
