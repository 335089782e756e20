import { builder, type Types } from '../../graphql/builder.js';
import { childPage, connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import type { Context } from '../../context.js';
import type { Comment as CommentRow, Post as PostRow } from '../../db/generated/prisma/client.js';
import { DEFAULT_PAGE, MAX_PAGE } from '../../db/keyset.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { batched, heads } from '../../graphql/loaders.js';
import { logPage } from '../../graphql/log-page.js';
import { mutation } from '../../graphql/mutation.js';
import { headCursor } from '../../realtime/cursor.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import type { LogEvent } from '../../realtime/topic.js';
import { text } from '../../graphql/text.js';
import { findUsers } from '../account/account.js';
import { isUsername, usernameKey } from '../account/rules.js';
import { User } from '../account/schema.js';
import { viewerLikes } from '../likes/likes.js';
import { addComment, deleteComment, findComment, updateComment } from './comments.js';
import { countFeed, feedPage } from './feed.js';
import { likePost, unlikePost } from './likes.js';
import { assertFollowable, createPost, deletePost, findPost, newestFirst, notDeleted, updatePost } from './posts.js';
import { commentCount, commentLog, likeCount, type Count, type PostEvents } from './topics.js';

const MAX_POST = 10_000;
const MAX_COMMENT = 2_000;
const postText = text(1, MAX_POST);
const commentText = text(1, MAX_COMMENT);

const commentHead = heads(commentLog);

const hasLiked = viewerLikes('post');

/** Whether there is a post with this id that was not deleted. */
const isThere = batched(async ({ db }, postIds) => {
  const posts = await db.prisma.post.findMany({ where: { id: { in: [...postIds] }, ...notDeleted }, select: { id: true } });
  return new Map(posts.map(({ id }) => [id, true]));
}, false);

const postCount = batched(async ({ db }, authorIds) => {
  const groups = await db.prisma.post.groupBy({
    by: ['authorId'],
    where: { authorId: { in: [...authorIds] }, ...notDeleted },
    _count: true,
  });
  return new Map(groups.map(({ authorId, _count }) => [authorId, _count]));
}, 0);

/** The rows of a thread are counted with those deleted, which keep their places in it. */
const threadSize = (where: { readonly replyToId?: null }) =>
  batched(async ({ db }, postIds) => {
    const groups = await db.prisma.comment.groupBy({ by: ['postId'], where: { ...where, postId: { in: [...postIds] } }, _count: true });
    return new Map(groups.map(({ postId, _count }) => [postId, _count]));
  }, 0);
const allComments = threadSize({});
const topLevelComments = threadSize({ replyToId: null });

/** The comments of a post, counted, with the version; 0 in version 0 for a post that was deleted. */
const loadComments = batched<Count | null>(({ db }, postIds) => commentCount.load(db.prisma, postIds), null);
const commentsOf = async (context: Context, postId: string): Promise<Count> =>
  (await loadComments(context, postId)) ?? { postId, count: 0, version: 0 };

const replySize = (where: { readonly deletedAt?: null }) =>
  batched(async ({ db }, commentIds) => {
    const groups = await db.prisma.comment.groupBy({
      by: ['replyToId'],
      where: { ...where, replyToId: { in: [...commentIds] } },
      _count: true,
    });
    return new Map(groups.flatMap(({ replyToId, _count }) => (replyToId === null ? [] : [[replyToId, _count] as const])));
  }, 0);
const allReplies = replySize({});
const replyCount = replySize({ deletedAt: null });

/** Comments in the order of their post's log, whose cursors are theirs. */
const threadOrder = async (context: Context, postId: string) => streamKeyset(commentLog.name, postId, await commentHead(context, postId));

// ---------------------------------------------------------------- types

export const Post = builder.prismaObject('Post', {
  description: 'A short text that a user has published to everyone.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown; empty once it is deleted.' }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was deleted; null while it is there. Only its events show a deleted post.',
    }),
    likeCount: t.exposeInt('likeCount', { description: 'How many users like it.' }),
    commentCount: t.exposeInt('commentCount', { description: 'How many comments it has, without deleted ones.' }),
    viewerHasLiked: t.boolean({
      description: 'Whether the viewer likes it; false for anyone not signed in.',
      resolve: (post, _args, context) => hasLiked(context, post.id),
    }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
    commentCursor: t.string({
      description: 'The position of its event log: follow `postEvents(after:)` or `commentAdded(after:)` from here.',
      resolve: async (post, _args, context) => headCursor(commentLog.name, post.id, await commentHead(context, post.id)),
    }),
  }),
});

builder.nodeRef<PostRow, string, typeof Post>(Post, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  // Whether it is there is decided by the row: with a condition beside the id, Prisma would send a statement for each of `nodes(ids)`.
  loadWithoutCache: async (id, context, info) => {
    const post = await context.db.prisma.post.findUnique({ ...nodeQuery(context, info, 'Post'), where: { id } });
    return post?.deletedAt === null ? post : null;
  },
});

export const Comment = builder.prismaObject('Comment', {
  description: 'A comment on a post, or a reply to another comment on it.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown; empty once it is deleted.' }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    post: t.relation('post', { description: 'The post it stands under.' }),
    replyTo: t.relation('replyTo', { nullable: true, description: 'The comment it replies to; null for a comment on the post itself.' }),
    replyCount: t.int({
      description: 'How many comments reply to it directly, without deleted ones.',
      resolve: ({ id }, _args, context) => replyCount(context, id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was deleted; null while it is there. It keeps its place in the thread.',
    }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
  }),
});

builder.nodeRef<CommentRow, string, typeof Comment>(Comment, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const comment = await context.db.prisma.comment.findUnique({ ...nodeQuery(context, info, 'Comment'), where: { id } });
    return comment !== null && (await isThere(context, comment.postId)) ? comment : null;
  },
});

export const PostConnection = connectionType(Post, 'Post');
export const CommentConnection = connectionType(Comment, 'Comment');

builder.prismaObjectFields(Post, (t) => ({
  comments: t.field({
    type: CommentConnection,
    description:
      "Its comments, oldest first; deleted ones keep their places. An edge's cursor is the cursor of its event: `commentAdded(after:)` goes on from it.",
    args: {
      ...t.arg.connectionArgs(),
      topLevelOnly: t.arg.boolean({ description: 'Only comments on the post itself; `Comment.replies` has the replies to each.' }),
    },
    resolve: async (post, args, context, info) => {
      const where = args.topLevelOnly === true ? { replyToId: null } : {};
      return await childPage(context, info, args, {
        parentId: post.id,
        keyset: await threadOrder(context, post.id),
        find: async (ids, page, query) => {
          const posts = await context.db.prisma.post.findMany({
            // A join takes each page by itself; without it a page is cut from all the rows there are.
            relationLoadStrategy: 'join',
            where: { id: { in: ids } },
            select: { id: true, comments: { ...query, ...page, where: { AND: [where, page.where] } } },
          });
          return posts.map(({ id, comments }) => ({ id, rows: comments }));
        },
        count: args.topLevelOnly === true ? topLevelComments : allComments,
      });
    },
  }),
}));

builder.prismaObjectFields(Comment, (t) => ({
  replies: t.field({
    type: CommentConnection,
    select: { postId: true },
    description:
      'The comments that reply to it directly, oldest first; deleted ones keep their places. The cursors are those of `Post.comments`.',
    args: t.arg.connectionArgs(),
    resolve: async (comment, args, context, info) =>
      await childPage(context, info, args, {
        parentId: comment.id,
        keyset: await threadOrder(context, comment.postId),
        find: async (ids, page, query) => {
          const comments = await context.db.prisma.comment.findMany({
            relationLoadStrategy: 'join',
            where: { id: { in: ids } },
            select: { id: true, replies: { ...query, ...page } },
          });
          return comments.map(({ id, replies }) => ({ id, rows: replies }));
        },
        count: allReplies,
      }),
  }),
}));

builder.prismaObjectFields(User, (t) => ({
  posts: t.field({
    type: PostConnection,
    description: 'What this user has posted, newest first.',
    args: t.arg.connectionArgs(),
    resolve: (user, args, context, info) =>
      childPage(context, info, args, {
        parentId: user.id,
        keyset: newestFirst,
        find: async (ids, page, query) => {
          const users = await findUsers(context.db, ids, {
            relationLoadStrategy: 'join',
            select: { id: true, posts: { ...query, ...page, where: { AND: [notDeleted, page.where] } } },
          });
          return users.map(({ id, posts }) => ({ id, rows: posts }));
        },
        count: postCount,
      }),
  }),
}));

// ---------------------------------------------------------------- events

const AFTER = "A cursor of its log: `Post.commentCursor`, a comment edge's or an event's.";

type EventOf<Kind extends keyof PostEvents> = LogEvent<PostEvents, Kind>;

/** Each kind of event has the name of its type. What it leads to is shown as it is now, and stays there to be shown. */
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
    description,
    resolve: (query, { key }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: key } }),
  });

const commentField = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, EventOf<OfComment>>, description: string) =>
  t.prismaField({
    type: Comment,
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

// ---------------------------------------------------------------- queries

builder.queryField('post', (t) =>
  t.prismaField({
    type: Post,
    nullable: true,
    description: 'The post with this id; null when there is none, or it was deleted.',
    args: { id: t.arg.id({ required: true, description: 'The id of the post.' }) },
    resolve: (query, _root, { id }, { db }) =>
      db.prisma.post.findUnique({ ...query, where: { id: decodeId('Post', id, 'id'), ...notDeleted } }),
  }),
);

builder.queryField('posts', (t) =>
  t.field({
    type: PostConnection,
    nullable: true,
    description: 'All posts, newest first.',
    args: { ...t.arg.connectionArgs(), author: t.arg.string({ description: 'Only those of the user with this username.' }) },
    resolve: (_root, args, context, info) => {
      const { post } = context.db.prisma;
      const { author } = args;
      const isNobody = author ? !isUsername(author) : false;
      const where = { ...notDeleted, ...(author ? { author: { usernameKey: usernameKey(author) } } : {}) };
      return listPage(context, info, args, {
        keyset: newestFirst,
        find: async (page, query) => (isNobody ? [] : await post.findMany({ ...query, ...page, where: { AND: [where, page.where] } })),
        count: async () => (isNobody ? 0 : await post.count({ where })),
      });
    },
  }),
);

builder.queryField('feed', (t) =>
  t.field({
    type: PostConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description: "The posts of those whom the viewer follows, and the viewer's own, newest first.",
    args: t.arg.connectionArgs(),
    resolve: (_root, args, context, info) =>
      listPage(context, info, args, {
        keyset: newestFirst,
        find: (page, query, bounds) => feedPage(context, { page, bounds, query }),
        count: () => countFeed(context),
      }),
  }),
);

builder.queryField('postEvents', (t) =>
  t.field({
    type: [PostEvent],
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

// ---------------------------------------------------------------- mutations

/** The post of a payload, which stays there to be shown when it was deleted. */
const postOf = <Payload extends { readonly postId: string }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>,
  description: string,
) =>
  t.prismaField({
    type: Post,
    description,
    resolve: (query, payload, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: payload.postId } }),
  });

/** The number that a new or deleted comment moves, and its version. */
const commentCountFields = <Payload extends object>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>,
  postId: (payload: Payload) => string,
) => ({
  commentCount: t.int({
    description: 'How many comments the post has now, without deleted ones.',
    resolve: async (payload, _args, context) => (await commentsOf(context, postId(payload))).count,
  }),
  version: t.int({
    description:
      'The version of `commentCount`, as `commentCountChanged` gives it: of two numbers, the one with the higher version is the newer.',
    resolve: async (payload, _args, context) => (await commentsOf(context, postId(payload))).version,
  }),
});

mutation('createPost', {
  description: 'Publishes a post.',
  access: 'signedIn',
  limit: 'post',
  repeats: 'row',
  input: {
    description: 'The post to publish.',
    fields: (t) => ({
      body: t.string({ required: true, check: postText, description: `Its text, as Markdown; 1 to ${MAX_POST} characters.` }),
    }),
  },
  run: async (input, context) => ({ post: await createPost(context, input) }),
  payload: {
    description: 'The new post.',
    fields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
});

mutation('updatePost', {
  description: "Edits one of the viewer's posts.",
  access: 'signedIn',
  input: {
    description: 'The post to edit, and its new text.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Post', description: 'The post.' }),
      body: t.string({ required: true, check: postText, description: `Its new text; 1 to ${MAX_POST} characters.` }),
    }),
  },
  run: async (input, context) => ({ post: await updatePost(context, input) }),
  payload: {
    description: 'The edited post.',
    rereads: { post: findPost },
    fields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
});

mutation('deletePost', {
  description: "Deletes a post with its comments and likes: the viewer's own, or for moderators anyone's.",
  access: 'signedIn',
  input: {
    description: 'The post to delete.',
    fields: (t) => ({ id: t.id({ required: true, idOf: 'Post', description: 'The post.' }) }),
  },
  run: async ({ id }, context) => {
    await deletePost(context, { id });
    return { postId: id };
  },
  payload: {
    description: 'The deleted post.',
    fields: (t) => ({
      postId: t.id({ description: 'The id of the deleted post.', resolve: ({ postId }) => encodeId('Post', postId) }),
      post: postOf(t, 'What is left of the post: empty, with its `deletedAt`. No query returns it any more.'),
    }),
  },
});

for (const [name, act, description] of [
  ['likePost', likePost, 'Likes a post. Liking twice is liking once.'],
  ['unlikePost', unlikePost, 'Takes a like back. Nothing changes where there is none.'],
] as const) {
  mutation(name, {
    description,
    access: 'signedIn',
    input: {
      description: 'The post to like, or to like no longer.',
      fields: (t) => ({ postId: t.id({ required: true, idOf: 'Post', description: 'The post.' }) }),
    },
    run: ({ postId }, context) => act(context, postId),
    payload: {
      description: 'The post, and how many like it now.',
      fields: (t) => ({
        // Read only when it is asked for: many may like one post at once, and the count alone is at hand.
        post: postOf(t, 'The post.'),
        likeCount: t.int({ description: 'How many users like it now.', resolve: ({ count }) => count }),
        version: t.int({
          description:
            'The version of `likeCount`, as `likeCountChanged` gives it: of two numbers, the one with the higher version is the newer.',
          resolve: ({ version }) => version,
        }),
      }),
    },
  });
}

mutation('addComment', {
  description: 'Comments on a post.',
  access: 'signedIn',
  limit: 'post',
  repeats: 'row',
  input: {
    description: 'The comment to add to a post, or to reply to another comment with.',
    fields: (t) => ({
      postId: t.id({ required: true, idOf: 'Post', description: 'The post to comment on.' }),
      body: t.string({ required: true, check: commentText, description: `Its text, as Markdown; 1 to ${MAX_COMMENT} characters.` }),
      replyToId: t.id({ idOf: 'Comment', description: 'The comment to reply to, on the same post and not deleted.' }),
    }),
  },
  run: async (input, context) => ({ comment: await addComment(context, input) }),
  payload: {
    description: 'The new comment, and the number of comments of its post.',
    fields: (t) => ({
      comment: t.field({ type: Comment, description: 'The comment.', resolve: ({ comment }) => comment }),
      post: t.prismaField({
        type: Post,
        description: 'The post, with its `commentCount`.',
        resolve: (query, { comment }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: comment.postId } }),
      }),
      ...commentCountFields(t, ({ comment }) => comment.postId),
    }),
  },
});

mutation('updateComment', {
  description: "Edits one of the viewer's comments.",
  access: 'signedIn',
  input: {
    description: 'The comment to edit, and its new text.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Comment', description: 'The comment.' }),
      body: t.string({ required: true, check: commentText, description: `Its new text; 1 to ${MAX_COMMENT} characters.` }),
    }),
  },
  run: async (input, context) => ({ comment: await updateComment(context, input) }),
  payload: {
    description: 'The edited comment.',
    rereads: { comment: findComment },
    fields: (t) => ({ comment: t.field({ type: Comment, description: 'The comment.', resolve: ({ comment }) => comment }) }),
  },
});

mutation('deleteComment', {
  description: "Deletes a comment: the viewer's own, or for moderators anyone's. It keeps its place in the thread, without its text.",
  access: 'signedIn',
  input: {
    description: 'The comment to delete.',
    fields: (t) => ({ id: t.id({ required: true, idOf: 'Comment', description: 'The comment.' }) }),
  },
  run: ({ id }, context) => deleteComment(context, { id }),
  payload: {
    description: 'The deleted comment, and the number of comments of its post.',
    fields: (t) => ({
      commentId: t.id({ description: 'The id of the deleted comment.', resolve: ({ id }) => encodeId('Comment', id) }),
      comment: t.prismaField({
        type: Comment,
        description: 'What is left of the comment in its thread: empty, with its `deletedAt`.',
        resolve: (query, { id }, _args, { db }) => db.prisma.comment.findUniqueOrThrow({ ...query, where: { id } }),
      }),
      post: postOf(t, 'The post, with its `commentCount`.'),
      ...commentCountFields(t, ({ postId }) => postId),
    }),
  },
});

// ---------------------------------------------------------------- live

const counts = [
  ['LikeCount', 'likeCountChanged', likeCount, 'likes'],
  ['CommentCount', 'commentCountChanged', commentCount, 'comments'],
] as const;

for (const [typeName, fieldName, topic, what] of counts) {
  const type = builder.objectRef<Count>(typeName).implement({
    description: `How many ${what} a post has.`,
    fields: (t) => ({
      postId: t.id({ description: 'The post.', resolve: ({ postId }) => encodeId('Post', postId) }),
      post: t.prismaField({
        type: 'Post',
        description: 'The post.',
        resolve: (query, { postId }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: postId } }),
      }),
      count: t.exposeInt('count', { description: `The number of ${what}.` }),
      version: t.exposeInt('version', { description: 'Grows with every change of the count.' }),
    }),
  });
  builder.subscriptionField(fieldName, (t) =>
    t.topic({
      type,
      topic,
      description: `How many ${what} a post has: the present number at once, then every change. Changes in quick succession may be told as one; the last is always told.`,
      args: { postId: t.arg.id({ required: true, description: 'The post.' }) },
      authorize: async ({ postId }, context) => ({ keys: [(await findPost(context, decodeId('Post', postId, 'postId'))).id] }),
      resolve: (count) => count,
    }),
  );
}

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
