import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder } from '../../builder.js';
import type { NodeQuery } from '../../connection.js';
import type { Context } from '../../context.js';
import { badInput, notFound } from '../../errors.js';
import { decodeId, encodeId } from '../../ids.js';
import { batched, batchedField } from '../../loaders.js';
import { viewerOf } from '../../viewer.js';
import { User } from '../account/schema.js';
import { setPresence } from './presence.js';
import { presenceTopic, type PresenceValue } from './topics.js';

/** Users whose presence is asked for at once. */
const MAX_USERS = 100;

const presenceOf = batched<PresenceValue | null>(({ db }, userIds) => presenceTopic.load(db.prisma, userIds), null);

/** @throws NOT_FOUND */
const findPresence = async (context: Context, userId: string): Promise<PresenceValue> => {
  const presence = await presenceOf(context, userId);
  if (presence === null) throw notFound('User');
  return presence;
};

/** @throws BAD_USER_INPUT for too many, or one that is not the id of a user */
const decodeUserIds = (userIds: readonly string[]): string[] => {
  const { length } = userIds;
  if (length > MAX_USERS) throw badInput({ path: 'userIds', message: `Must be at most ${MAX_USERS} ids; there are ${length}.` });
  return userIds.map((userId, index) => decodeId('User', userId, `userIds.${index}`));
};

// ---------------------------------------------------------------- types

const PresenceStatus = builder.enumType('PresenceStatus', {
  description: 'Whether a user is here.',
  values: {
    ONLINE: { description: 'At least one device is connected, or the last one has left only just now.' },
    AWAY: { description: 'Connected, but not at the keyboard: the user says so themselves.' },
    OFFLINE: { description: 'No device is connected.' },
  } as const,
});

export const Presence = builder.objectRef<PresenceValue>('Presence').implement({
  description: 'Whether a user is here, whatever the number of their devices.',
  fields: (t) => ({
    id: t.id({ description: 'An id of this presence; there is one for each user.', resolve: ({ userId }) => encodeId('Presence', userId) }),
    user: t.field({
      type: User,
      description: 'Whose presence it is.',
      resolve: async ({ userId }, _args, context, info) => {
        const user = await batchedField(context, info, userId, async (userIds) => {
          const query: NodeQuery = queryFromInfo({ context, info });
          const users = await context.db.prisma.user.findMany({ ...query, where: { id: { in: [...userIds] } } });
          return new Map(users.map((each) => [each.id, each]));
        });
        if (user === undefined) throw notFound('User');
        return user;
      },
    }),
    status: t.expose('status', { type: PresenceStatus, description: 'Whether the user is here.' }),
    lastSeenAt: t.expose('lastSeenAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last device left; null while the user is here, and for one who has never been here.',
    }),
    version: t.exposeInt('version', { description: 'Grows with every change of the status.' }),
  }),
});

builder.prismaObjectFields(User, (t) => ({
  presence: t.field({
    type: Presence,
    description: 'Whether this user is here.',
    resolve: (user, _args, context) => findPresence(context, user.id),
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('presence', (t) =>
  t.field({
    type: [Presence],
    description: 'Whether these users are here, in the order of the ids.',
    args: { userIds: t.arg.idList({ required: true, description: `The users; at most ${MAX_USERS}.` }) },
    complexity: ({ userIds }) => ({ field: 1, multiplier: Math.max(userIds.length, 1) }),
    resolve: (_root, { userIds }, context) => Promise.all(decodeUserIds(userIds).map((userId) => findPresence(context, userId))),
  }),
);

// ---------------------------------------------------------------- mutations

builder.relayMutationField(
  'setPresence',
  {
    description: 'What the viewer says of themselves.',
    inputFields: (t) => ({
      status: t.field({ type: PresenceStatus, required: true, description: 'ONLINE or AWAY; OFFLINE comes by itself when the last device has gone.' }),
    }),
  },
  {
    description:
      'Says for all of the viewer\'s devices whether somebody is at the keyboard. It holds until they say otherwise or turn OFFLINE; who comes back is ONLINE. Saying the same twice is saying it once. CONFLICT when the viewer is OFFLINE: the word is not kept.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => {
      await setPresence(context, input.status);
      return { presence: await findPresence(context, viewerOf(context).id) };
    },
  },
  {
    description: 'Whether the viewer is here now.',
    outputFields: (t) => ({ presence: t.field({ type: Presence, description: 'The viewer\'s presence.', resolve: ({ presence }) => presence }) }),
  },
);

// ---------------------------------------------------------------- live

builder.subscriptionField('presenceChanged', (t) =>
  t.topic({
    type: Presence,
    topic: presenceTopic,
    description:
      'Whether users are here: the present state of each at once, then every change of status. A further device is no change, nor is one that comes back within a moment. Changes in quick succession may be told as one; the last is always told.',
    args: { userIds: t.arg.idList({ description: `The users; 1 to ${MAX_USERS}.` }) },
    authorize: async ({ userIds }, context) => {
      if (!userIds?.length) throw badInput({ path: 'userIds', message: 'Must name at least one user.' });
      const keys = decodeUserIds(userIds);
      await Promise.all(keys.map((userId) => findPresence(context, userId)));
      return { keys };
    },
    resolve: (presence) => presence,
  }),
);
