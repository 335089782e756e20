import { isGiven } from '../../db/keyset.js';
import { builder } from '../../graphql/builder.js';
import type { Context } from '../../context.js';
import { badInput, notFound } from '../../errors.js';
import { decodeId, decodeIds } from '../../graphql/ids.js';
import { batched, batchedForViewers, type OfUser } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import type { Followed } from '../../graphql/topic-field.js';
import { READ, STATEMENT, lengthOf } from '../../graphql/price.js';
import { viewerOf } from '../../access/viewer.js';
import { Audience, loadUser, Me, User } from '../account/schema.js';
import { Prisma, type PrismaClient } from '../../db/generated/prisma/client.js';
import { areApart } from '../blocks/blocks.js';
import { assertMayFollow, longestMembers } from '../conversations/conversations.js';
import { conversationLog, type ConversationEvents } from '../conversations/topics.js';
import { isFollowing } from '../follows/follows.js';
import { setPresence, showsFollowedMore } from './presence.js';
import { followedKey, hiddenKey, presenceTopic, type PresenceValue } from './topics.js';
import { OPEN, type Visibility } from './visibility.js';

/** The most users whose presence may be asked for at once. */
const MAX_USERS = 100;
/** The most members of a conversation whose presence is followed: the largest size of a group. */
const MAX_MEMBERS = 1_000;

const presenceOf = batched<PresenceValue | null>(({ db }, keys) => presenceTopic.load(db.prisma, keys), null);

/**
 * The number of a user's devices with a socket in any process whose lease is valid; a device that is connected to several processes counts
 * once. Processes of version 0.1.0, which may still run during an update, only tell their number of devices.
 */
const deviceCount = batched(async ({ db }, userIds) => {
  const rows = await db.prisma.$queryRaw<{ readonly userId: string; readonly devices: number }[]>`
    SELECT d.user_id AS "userId", (count(DISTINCT device_id) + coalesce(sum(d.devices) FILTER (WHERE device_id IS NULL), 0))::int AS devices
    FROM presence_device d JOIN presence_lease l ON l.process_id = d.process_id LEFT JOIN unnest(d.device_ids) AS device_id ON true
    WHERE d.user_id = ANY (${[...userIds]}::uuid[]) AND l.expires_at > now()
    GROUP BY d.user_id`;
  return new Map(rows.map(({ userId, devices }) => [userId, devices]));
}, 0);

/** What users let others see of their presence. */
const visibilityOf = batched<Visibility>(async ({ db }, userIds) => {
  const rows = await db.prisma.userPresence.findMany({
    where: { userId: { in: [...userIds] } },
    select: { userId: true, visibleTo: true, lastSeenVisibleTo: true, appearsOffline: true },
  });
  return new Map(rows.map(({ userId, ...visibility }) => [userId, visibility]));
}, OPEN);

/** The keys by which viewers follow users, where it is not that of everyone. */
const keysFor = async (prisma: PrismaClient, asked: readonly OfUser[]): Promise<readonly (readonly [OfUser, string])[]> => {
  const [user, viewer] = [Prisma.sql`asked.id`, Prisma.sql`asked.viewer_id`];
  const rows = await prisma.$queryRaw<(OfUser & { readonly isApart: boolean })[]>`
    SELECT viewer_id AS "userId", id, apart AS "isApart" FROM (
      SELECT viewer_id, id, ${areApart(viewer, user)} AS apart, (id = viewer_id OR ${isFollowing(user, viewer)}) AND ${showsFollowedMore(user)} AS more
      FROM unnest(${asked.map(({ userId }) => userId)}::uuid[], ${asked.map(({ id }) => id)}::uuid[]) asked(viewer_id, id)
    ) standing WHERE apart OR more`;
  return rows.map(({ isApart, ...of }) => [of, isApart ? hiddenKey(of.id) : followedKey(of.id)]);
};

/** The key by which the viewer follows a user; null where it is that of everyone. */
const keyFor = batchedForViewers<string | null>(({ db }, asked) => keysFor(db.prisma, asked), null);

/**
 * The presence as the viewer may see it. A user separated from the viewer by a block appears as if they had never been online, in version
 * 0, since a growing version would reveal each change. The viewer is read only if the user has any block, or shows some more than others; otherwise one
 * result of a presence event can serve all subscribers.
 */
const asVisible = async (context: Context, presence: PresenceValue): Promise<PresenceValue> => {
  if (!presence.hasBlocks && !presence.isForFollowed) return presence;
  const key = (await keyFor(context, presence.userId)) ?? presence.userId;
  return key === presence.key ? presence : ((await presenceOf(context, key)) ?? presence);
};

/** The same; null for a user who does not exist. */
const seenPresence = async (context: Context, userId: string): Promise<PresenceValue | null> => {
  const presence = await presenceOf(context, userId);
  return presence && (await asVisible(context, presence));
};

/** @throws NOT_FOUND */
const findPresence = async (context: Context, userId: string): Promise<PresenceValue> => {
  const presence = await seenPresence(context, userId);
  if (presence === null) throw notFound('User');
  return presence;
};

/** Decodes the ids of users to follow. @throws BAD_USER_INPUT for none, too many, or one that is not the id of a user; NOT_FOUND */
const decodeFollowed = async (context: Context, userIds: readonly string[]): Promise<string[]> => {
  const keys = decodeIds('User', userIds, 'userIds', { min: 1, max: MAX_USERS });
  await Promise.all(keys.map((userId) => findPresence(context, userId)));
  return keys;
};

/** The keys of the presence topic for these users, as the viewer may follow them. */
const keysOf = async ({ db, viewer }: Context, userIds: readonly string[]): Promise<string[]> => {
  if (viewer === null) return [...userIds];
  const others = await keysFor(
    db.prisma,
    userIds.map((id) => ({ userId: viewer.id, id })),
  );
  const keys = new Map(others.map(([{ id }, key]) => [id, key]));
  return userIds.map((userId) => keys.get(userId) ?? userId);
};

/**
 * The keys of the members of one of the viewer's conversations; they change as members join and leave.
 * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for an id that is not of a conversation
 */
const followMembers = async (context: Context, globalId: string): Promise<Followed> => {
  const conversationId = decodeId('Conversation', globalId, 'conversationId');
  await assertMayFollow(context, conversationId);
  const members = await longestMembers(context, conversationId, MAX_MEMBERS);
  return {
    keys: await keysOf(context, members),
    until: { topic: conversationLog, key: conversationId, kinds: COMINGS_AND_GOINGS },
  };
};
const COMINGS_AND_GOINGS: readonly (keyof ConversationEvents)[] = ['MemberJoined', 'MemberLeft'];

// ---------------------------------------------------------------- types

const PresenceStatus = builder.enumType('PresenceStatus', {
  description: 'Whether a user is here.',
  values: {
    ONLINE: { description: 'At least one device is connected, or the last one has left only just now.' },
    AWAY: { description: 'Connected, but not at the keyboard: the user says so themselves.' },
    OFFLINE: { description: 'No device is connected, or the user does not show it.' },
  } as const,
});

export const Presence = builder.objectRef<PresenceValue>('Presence').implement({
  description:
    'Whether a user is here, whatever the number of their devices, as far as they show it (`updatePrivacy`): of oneself, as those see it whom one follows. One whom the viewer has blocked, or who has blocked the viewer, looks like one who has never been here.',
  fields: (t) => ({
    user: t.field({
      price: READ,
      type: User,
      description: 'Whose presence it is.',
      resolve: async ({ userId }, _args, context, info) => {
        const user = await loadUser(context, info, userId);
        if (user === null) throw notFound('User');
        return user;
      },
    }),
    status: t.expose('status', { type: PresenceStatus, description: 'Whether the user is here.' }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the last device left; null while the user is here, for one who has never been here, and for one who does not show it.',
    }),
    version: t.exposeInt('version', { description: 'Grows with every change that is shown; 0 for one who has never been here.' }),
  }),
});

builder.nodeRef<PresenceValue, string, typeof Presence>(Presence, {
  id: { resolve: ({ userId }) => userId, description: 'Its global id; each user has one presence.' },
  loadWithoutCache: (id, context) => seenPresence(context, id),
});

builder.prismaObjectFields(User, (t) => ({
  presence: t.field({
    price: READ,
    type: Presence,
    description: 'Whether this user is here.',
    resolve: (user, _args, context) => findPresence(context, user.id),
  }),
}));

builder.prismaObjectFields(Me, (t) => ({
  deviceCount: t.int({
    price: READ,
    description:
      'How many devices of the viewer have a socket now. A device is what connects with the same `deviceId`, or else the same session: several tabs are one.',
    resolve: (me, _args, context) => deviceCount(context, me.id),
  }),
  presenceVisibleTo: t.field({
    type: Audience,
    price: READ,
    description: 'Who is shown whether the viewer is here.',
    resolve: async (me, _args, context) => (await visibilityOf(context, me.id)).visibleTo,
  }),
  lastSeenVisibleTo: t.field({
    type: Audience,
    price: READ,
    description: 'Who of those is also shown when the viewer was here last.',
    resolve: async (me, _args, context) => (await visibilityOf(context, me.id)).lastSeenVisibleTo,
  }),
  appearsOffline: t.boolean({
    price: READ,
    description: 'Whether the viewer looks to everyone, also to themselves, as if they were not here.',
    resolve: async (me, _args, context) => (await visibilityOf(context, me.id)).appearsOffline,
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('presence', (t) =>
  t.field({
    type: [Presence],
    nullable: true,
    description: 'Whether these users are here, in the order of the ids.',
    args: { userIds: t.arg.idList({ required: true, description: `The users; at most ${MAX_USERS}.` }) },
    price: (args) => ({ items: lengthOf(args['userIds']), once: STATEMENT }),
    resolve: (_root, { userIds }, context) =>
      Promise.all(decodeIds('User', userIds, 'userIds', { max: MAX_USERS }).map((userId) => findPresence(context, userId))),
  }),
);

// ---------------------------------------------------------------- mutations

mutation('setPresence', {
  description:
    'Sets whether the viewer is at the keyboard, for all of their devices. It holds until it is set again or the viewer goes OFFLINE; who comes back is ONLINE. CONFLICT while the viewer is OFFLINE, when nothing is kept. Whoever appears offline goes on doing so.',
  access: 'signedIn',
  scope: 'WRITE_PRESENCE',
  input: {
    description: 'The status to set.',
    fields: (t) => ({
      status: t.field({
        type: PresenceStatus,
        required: true,
        description: 'ONLINE or AWAY; OFFLINE comes by itself when the last device has gone.',
      }),
    }),
  },
  run: async ({ status }, context) => {
    await setPresence(context, status);
    return { userId: viewerOf(context).id };
  },
  payload: {
    description: "The viewer's presence, as it is now.",
    fields: (t) => ({
      presence: t.field({
        type: Presence,
        description: "The viewer's presence.",
        resolve: ({ userId }, _args, context) => findPresence(context, userId),
      }),
    }),
  },
});

// ---------------------------------------------------------------- live

const PresenceOf = builder.inputType('PresenceOf', {
  description: 'Whose presence is meant: exactly one of the two is given.',
  isOneOf: true,
  fields: (t) => ({
    userIds: t.idList({ description: `The users; 1 to ${MAX_USERS}.` }),
    conversationId: t.id({
      description: `One of the viewer\'s conversations: its members, as they come and go; of a large one the ${MAX_MEMBERS} who have been there longest.`,
    }),
  }),
});

const namesConversation = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && 'conversationId' in given && isGiven(given.conversationId);

builder.subscriptionField('presenceChanged', (t) =>
  t.topic({
    type: Presence,
    topic: presenceTopic,
    description:
      'Whether users are here: the present state of each at once, then every change of status. A further device is no change, nor is one that comes back within a moment. Changes in quick succession may be told as one; the last is always told.',
    args: {
      of: t.arg({ type: PresenceOf, description: 'The users, or a conversation.' }),
      userIds: t.arg.idList({ description: `The users; 1 to ${MAX_USERS}: the same as \`of: { userIds }\`.` }),
      conversationId: t.arg.id({ description: "One of the viewer's conversations: the same as `of: { conversationId }`." }),
    },
    signedIn: (args) => namesConversation(args) || namesConversation(args['of']),
    authorize: async ({ of, ...args }, context) => {
      if ([of?.userIds, of?.conversationId, args.userIds, args.conversationId].filter(isGiven).length !== 1) {
        throw badInput({ path: 'userIds', code: 'EXCLUSIVE', message: 'Give either userIds or conversationId.' });
      }
      const userIds = of?.userIds ?? args.userIds;
      const conversationId = of?.conversationId ?? args.conversationId;
      return isGiven(conversationId)
        ? await followMembers(context, conversationId)
        : { keys: await keysOf(context, await decodeFollowed(context, userIds ?? [])) };
    },
    // Whoever has ceased to be followed a moment ago is still at the key of those who are. Under the key of everyone nobody is shown more than everyone: if the
    // setting changed twice before the viewer came to another key, nothing would take that back.
    resolve: (presence, context) => (presence.key !== presence.userId && presence.isForFollowed ? asVisible(context, presence) : presence),
  }),
);
