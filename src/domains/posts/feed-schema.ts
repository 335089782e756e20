import { builder } from '../../graphql/builder.js';
import { encodeId } from '../../graphql/ids.js';
import { nodeQuery } from '../../graphql/connection.js';
import { batchedRow } from '../../graphql/loaders.js';
import { READ } from '../../graphql/price.js';
import { headCursor } from '../../realtime/cursor.js';
import type { LogEvent } from '../../realtime/topic.js';
import { viewerOf } from '../../access/viewer.js';
import { Me } from '../account/schema.js';
import { notDeleted } from './posts.js';
import { feedHead, Post } from './schema.js';
import { feedLog, type FeedEvents } from './topics.js';

export const FeedEvent = builder.objectRef<LogEvent<FeedEvents>>('FeedEvent').implement({
  description: "A post that is new in the viewer's feed.",
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this event: give it as `after` to go on behind it.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it came into the feed.' }),
    postId: t.id({ description: 'The id of the post.', resolve: ({ ref }) => encodeId('Post', ref.postId) }),
    post: t.field({
      type: Post,
      nullable: true,
      description: 'The post, as it is now; null when it has been deleted.',
      // The followers of its author are shown it at the same time, each in a feed of their own.
      resolve: ({ ref }, _args, context, info) =>
        batchedRow(context, info, ref.postId, async (anyones, ids) => {
          const query = nodeQuery(anyones, info, 'Post');
          const posts = await anyones.db.prisma.post.findMany({ ...query, where: { id: { in: [...ids] }, ...notDeleted } });
          return new Map(posts.map((each) => [each.id, each]));
        }),
    }),
  }),
});

builder.prismaObjectFields(Me, (t) => ({
  feedCursor: t.string({
    price: READ,
    description:
      "The position of the viewer's feed: follow `feedEvents(after:)` from here. `feed` in the same operation is at least as new: what comes meanwhile is in both, and known by its id.",
    resolve: async (me, _args, context) => headCursor(feedLog.name, me.id, await feedHead(context, me.id)),
  }),
}));

builder.subscriptionField('feedEvents', (t) =>
  t.topic({
    type: FeedEvent,
    topic: feedLog,
    description:
      "Each post of somebody whom the viewer follows, and of the viewer's own, when it is new, after `after`; without it, from now. Of an author with many followers it comes a moment later. Whoever begins to follow somebody finds earlier posts in `feed`.",
    args: { after: t.arg.string({ description: "A cursor of this log: `Me.feedCursor`, `Sync.feedCursor` or an event's." }) },
    signedIn: true,
    authorize: ({ after }, context) => ({ key: viewerOf(context).id, after }),
    resolve: (event) => event,
  }),
);
