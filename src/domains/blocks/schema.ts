import type { Context } from '../../context.js';
import { COUNTED_ROWS } from '../../db/count.js';
import { builder } from '../../graphql/builder.js';
import { linkedPage } from '../../graphql/connection.js';
import type { User as UserRow } from '../../db/generated/prisma/client.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { READ } from '../../graphql/price.js';
import { findUser } from '../account/account.js';
import { Me, meField, User, UserConnection } from '../account/schema.js';
import { endFollows } from '../follows/follows.js';
import { blockUser, latestBlocked, unblockUser } from './blocks.js';

const viewerBlocks = batchedForViewer(async ({ db, viewer }, userIds) => {
  const blocks = await db.prisma.block.findMany({
    where: { blockerId: viewer.id, blockedId: { in: [...userIds] } },
    select: { blockedId: true },
  });
  return new Map(blocks.map(({ blockedId }) => [blockedId, true]));
}, false);

builder.prismaObjectFields(User, (t) => ({
  viewerBlocks: t.boolean({
    price: READ,
    description: 'Whether the viewer has blocked this user; false for anyone not signed in.',
    resolve: (user, _args, context) => viewerBlocks(context, user.id),
  }),
}));

builder.prismaObjectFields(Me, (t) => ({
  blockedUsers: t.field({
    type: UserConnection,
    description: 'The users whom the viewer has blocked, the latest first. Nothing tells who has blocked the viewer.',
    args: t.arg.connectionArgs(),
    resolve: (me, args, context, info) =>
      linkedPage<'User', 'blocking', UserRow>(context, info, args, {
        list: { model: 'User', relation: 'blocking' },
        node: 'blocked',
        parentId: me.id,
        keyset: latestBlocked,
        count: ({ db }, blockerId) => db.prisma.block.count({ where: { blockerId }, take: COUNTED_ROWS }),
      }),
  }),
}));

for (const [name, act, description] of [
  [
    'blockUser',
    (context: Context, userId: string) => blockUser(context, userId, endFollows),
    'Keeps the viewer and a user apart: neither follows, mentions or messages the other directly, adds them to a group, comments under their posts or sees whether they are here. What they follow of each other ends. Blocking twice is blocking once.',
  ],
  ['unblockUser', unblockUser, 'Takes a block back. The follows that it ended do not come back.'],
] as const) {
  mutation(name, {
    description,
    access: 'signedIn',
    scope: 'WRITE_BLOCKS',
    input: {
      description: 'The user to block, or to block no longer.',
      fields: (t) => ({ userId: t.id({ required: true, idOf: 'User', description: 'The user.' }) }),
    },
    run: async ({ userId }, context) => ({ user: await act(context, userId) }),
    payload: {
      description: 'The two users, with what has changed between them.',
      reloaders: { user: findUser },
      fields: (t) => ({
        user: t.field({ type: User, description: 'The user, as the viewer sees them now.', resolve: ({ user }) => user }),
        me: meField(t),
      }),
    },
  });
}
