import { builder, type Types } from '../../graphql/builder.js';
import type { Context } from '../../context.js';
import { DEFAULT_PAGE, MAX_PAGE } from '../../db/keyset.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { logPage } from '../../graphql/log-page.js';
import { eventsPrice, LOOKED_UP } from '../../graphql/price.js';
import type { LogEvent } from '../../realtime/topic.js';
import { assertFollowable } from './posts.js';
import { commentLog, type PostEvents } from './topics.js';
import { Comment } from './comment-schema.js';
import { Post } from './schema.js';

const AFTER = "A cursor of its log: `Post.commentCursor`, a comment edge's or an event's.";
type EventOf<Kind extends keyof PostEvents> = LogEvent<PostEvents, Kind>;

// ---------------------------------------------------------------- events

/**
 * The kinds of event have the names of their GraphQL types. An event shows its objects in their present state; deleted ones stay as
 * tombstones.
 */
const PostEvent = builder.interfaceRef<LogEvent<PostEvents>>('PostEvent').implement({
  description: 'An event on a post or its comments.',
  resolveType: ({ kind }) => kind,
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this event: give it as `after` to go on behind it.' }),
    postId: t.id({ description: 'The post.', resolve: ({ key }) => encodeId('Post', key) }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
  }),
});

type OfComment = 'CommentAdded' | 'CommentEdited' | 'CommentDeleted';

const postField = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, EventOf<keyof PostEvents>>, description: string) =>
  t.prismaField({
    type: Post,
    price: LOOKED_UP,
    description,
    resolve: (query, { key }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: key } }),
  });

const commentField = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, EventOf<OfComment>>, description: string) =>
  t.prismaField({
    type: Comment,
    price: LOOKED_UP,
    description,
    resolve: (query, { ref }, _args, { db }) => db.prisma.comment.findUniqueOrThrow({ ...query, where: { id: ref.commentId } }),
  });

const POST_NOW = 'The post, as it is now, with its `commentCount`.';

builder.objectRef<EventOf<'PostEdited'>>('PostEdited').implement({
  description: 'A post has been edited.',
  interfaces: [PostEvent],
  fields: (t) => ({ post: postField(t, 'The post, as it is now.') }),
});

builder.objectRef<EventOf<'PostDeleted'>>('PostDeleted').implement({
  description: 'A post has been deleted, with its comments. It is the last event of its log.',
  interfaces: [PostEvent],
  fields: (t) => ({ post: postField(t, 'What is left of the post: empty, with its `deletedAt`.') }),
});

const CommentAdded = builder.objectRef<EventOf<'CommentAdded'>>('CommentAdded').implement({
  description: 'A comment has been added to a post.',
  interfaces: [PostEvent],
  fields: (t) => ({ post: postField(t, POST_NOW), comment: commentField(t, 'The comment, as it is now.') }),
});

builder.objectRef<EventOf<'CommentEdited'>>('CommentEdited').implement({
  description: 'A comment under a post has been edited.',
  interfaces: [PostEvent],
  fields: (t) => ({ comment: commentField(t, 'The comment, as it is now.') }),
});

builder.objectRef<EventOf<'CommentDeleted'>>('CommentDeleted').implement({
  description: 'A comment under a post has been deleted.',
  interfaces: [PostEvent],
  fields: (t) => ({
    commentId: t.id({ description: 'The id of the comment.', resolve: ({ ref }) => encodeId('Comment', ref.commentId) }),
    comment: commentField(t, 'What is left of the comment in its thread: empty, with its `deletedAt`.'),
    post: postField(t, POST_NOW),
  }),
});

// ---------------------------------------------------------------- the log

builder.queryField('postEvents', (t) =>
  t.field({
    type: [PostEvent],
    price: eventsPrice,
    nullable: true,
    description:
      'The events of `Subscription.postEvents`, with the same cursors, for polling: those after `after`, in order; without it, from the oldest that is kept.',
    args: {
      postId: t.arg.id({ required: true, description: 'The post.' }),
      after: t.arg.string({ description: AFTER }),
      first: t.arg.int({ defaultValue: DEFAULT_PAGE, description: `At most this many; 0 to ${MAX_PAGE}.` }),
    },
    resolve: async (_root, { postId, after, first }, context) => {
      const id = decodeId('Post', postId, 'postId');
      await assertFollowable(context, id, after);
      return await logPage(context.db.prisma, commentLog, id, { after, first: first ?? DEFAULT_PAGE });
    },
  }),
);

const authorizeLog = async (
  { postId, after }: { readonly postId: string; readonly after?: string | null | undefined },
  context: Context,
): Promise<{ readonly key: string; readonly after: string | null | undefined }> => {
  const key = decodeId('Post', postId, 'postId');
  await assertFollowable(context, key, after);
  return { key, after };
};

builder.subscriptionField('postEvents', (t) =>
  t.topic({
    type: PostEvent,
    topic: commentLog,
    description: 'Everything that happens to a post and its comments, once and in order, after `after`; without it, from now.',
    args: {
      postId: t.arg.id({ required: true, description: 'The post.' }),
      after: t.arg.string({ description: AFTER }),
    },
    authorize: authorizeLog,
    resolve: (event) => event,
  }),
);

builder.subscriptionField('commentAdded', (t) =>
  t.topic({
    type: CommentAdded,
    topic: commentLog,
    kinds: ['CommentAdded'],
    description: 'Each new comment on a post, once and in order, after `after`; without it, from now.',
    args: {
      postId: t.arg.id({ required: true, description: 'The post.' }),
      after: t.arg.string({ description: AFTER }),
    },
    authorize: authorizeLog,
    resolve: (event) => event,
  }),
);
