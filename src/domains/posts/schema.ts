import { z } from 'zod';
import { builder } from '../../builder.js';
import { childPage, connectionType, listPage } from '../../connection.js';
import { decodeId, encodeId } from '../../ids.js';
import { batched, heads } from '../../loaders.js';
import { headCursor } from '../../realtime/cursor.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import type { LogEvent } from '../../realtime/topic.js';
import { clientIdText, text } from '../../text.js';
import { User } from '../account/schema.js';
import { followedBy } from '../follows/follows.js';
import { addComment, deleteComment, updateComment } from './comments.js';
import { likePost, unlikePost } from './likes.js';
import { createPost, deletePost, findPost, newestFirst, updatePost } from './posts.js';
import { commentCount, commentLog, likeCount, type Count } from './topics.js';

const MAX_POST = 10_000;
const MAX_COMMENT = 2_000;

const commentHead = heads(commentLog);

const hasLiked = batched(async ({ db, viewer }, postIds) => {
  if (viewer === null) return new Map<string, boolean>();
  const likes = await db.prisma.postLike.findMany({ where: { userId: viewer.id, postId: { in: [...postIds] } }, select: { postId: true } });
  return new Map(likes.map(({ postId }) => [postId, true]));
}, false);

const postCount = batched(async ({ db }, authorIds) => {
  const groups = await db.prisma.post.groupBy({ by: ['authorId'], where: { authorId: { in: [...authorIds] } }, _count: true });
  return new Map(groups.map(({ authorId, _count }) => [authorId, _count]));
}, 0);

// ---------------------------------------------------------------- types

export const Post = builder.prismaNode('Post', {
  nullable: true,
  id: { field: 'id', description: 'Its global id.' },
  description: 'Something short that a user tells everyone.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown.' }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    likeCount: t.exposeInt('likeCount', { description: 'How many users like it.' }),
    commentCount: t.exposeInt('commentCount', { description: 'How many comments it has.' }),
    viewerHasLiked: t.boolean({
      description: 'Whether the viewer likes it; false for anyone not signed in.',
      resolve: (post, _args, context) => hasLiked(context, post.id),
    }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
    commentCursor: t.string({
      description: 'Where its log of comments stands: follow `commentAdded(after:)` from here.',
      resolve: async (post, _args, context) => headCursor(commentLog.name, post.id, await commentHead(context, post.id)),
    }),
  }),
});

export const Comment = builder.prismaNode('Comment', {
  nullable: true,
  id: { field: 'id', description: 'Its global id.' },
  description: 'An answer to a post.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown.' }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    post: t.relation('post', { description: 'The post it stands under.' }),
    replyTo: t.relation('replyTo', { nullable: true, description: 'The comment it answers; null for none, or one that was deleted.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
  }),
});

export const PostConnection = connectionType(Post, 'Post');
export const CommentConnection = connectionType(Comment, 'Comment');

builder.prismaObjectFields(Post, (t) => ({
  comments: t.field({
    type: CommentConnection,
    description: 'Its comments, oldest first. An edge\'s cursor is its event\'s cursor: `commentAdded(after:)` goes on from it.',
    args: t.arg.connectionArgs(),
    resolve: async (post, args, context, info) =>
      childPage(context, info, args, {
        parentId: post.id,
        keyset: streamKeyset(commentLog.name, post.id, await commentHead(context, post.id)),
        find: async (ids, page, query) => {
          const posts = await context.db.prisma.post.findMany({ where: { id: { in: ids } }, select: { id: true, comments: { ...query, ...page } } });
          return posts.map(({ id, comments }) => ({ id, rows: comments }));
        },
        count: async () => post.commentCount,
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
          const users = await context.db.prisma.user.findMany({ where: { id: { in: ids } }, select: { id: true, posts: { ...query, ...page } } });
          return users.map(({ id, posts }) => ({ id, rows: posts }));
        },
        count: postCount,
      }),
  }),
}));

// ---------------------------------------------------------------- queries

builder.queryField('posts', (t) =>
  t.field({
    type: PostConnection,
    description: 'All posts, newest first.',
    args: { ...t.arg.connectionArgs(), author: t.arg.string({ description: 'Only those of the user with this username.' }) },
    resolve: (_root, args, context, info) => {
      const where = args.author ? { author: { usernameKey: args.author.toLowerCase() } } : {};
      return listPage(context, info, args, {
        keyset: newestFirst,
        find: (page, query) => context.db.prisma.post.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.post.count({ where }),
      });
    },
  }),
);

builder.queryField('feed', (t) =>
  t.field({
    type: PostConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description: 'The posts of those whom the viewer follows, and the viewer\'s own, newest first.',
    args: t.arg.connectionArgs(),
    resolve: (_root, args, context, info) => {
      const viewerId = context.viewer?.id ?? '';
      const where = { OR: [{ authorId: viewerId }, { author: followedBy(viewerId) }] };
      return listPage(context, info, args, {
        keyset: newestFirst,
        find: (page, query) => context.db.prisma.post.findMany({ ...query, ...page, where: { AND: [where, page.where] } }),
        count: () => context.db.prisma.post.count({ where }),
      });
    },
  }),
);

// ---------------------------------------------------------------- mutations
// Inputs are validated as a whole: the validation of single fields ends with the first mistake, and people want to hear of all.

builder.relayMutationField(
  'createPost',
  {
    description: 'A new post.',
    validate: z.looseObject({ body: text(1, MAX_POST), clientId: clientIdText.nullish() }),
    inputFields: (t) => ({
      body: t.string({ required: true, description: `Its text, as Markdown; 1 to ${MAX_POST} characters.` }),
      clientId: t.string({ description: 'Sent again with the same input it gives the same post.' }),
    }),
  },
  {
    description: 'Posts something.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({ post: await createPost(context, input) }),
  },
  {
    description: 'The new post.',
    outputFields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
);

builder.relayMutationField(
  'updatePost',
  {
    description: 'New words for a post.',
    validate: z.looseObject({ body: text(1, MAX_POST) }),
    inputFields: (t) => ({
      id: t.id({ required: true, description: 'The post.' }),
      body: t.string({ required: true, description: `Its new text; 1 to ${MAX_POST} characters.` }),
    }),
  },
  {
    description: 'Edits one of the viewer\'s posts.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      post: await updatePost(context, { id: decodeId('Post', input.id, 'input.id'), body: input.body }),
    }),
  },
  {
    description: 'The edited post.',
    outputFields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
);

builder.relayMutationField(
  'deletePost',
  {
    description: 'Which post to delete.',
    inputFields: (t) => ({ id: t.id({ required: true, description: 'The post.' }) }),
  },
  {
    description: 'Deletes a post with its comments and likes: the viewer\'s own, or for moderators anyone\'s.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({ postId: await deletePost(context, { id: decodeId('Post', input.id, 'input.id') }) }),
  },
  {
    description: 'What was deleted.',
    outputFields: (t) => ({ postId: t.id({ description: 'The post that is gone.', resolve: ({ postId }) => encodeId('Post', postId) }) }),
  },
);

for (const [name, act, description] of [
  ['likePost', likePost, 'Likes a post. Liking twice is liking once.'],
  ['unlikePost', unlikePost, 'Takes a like back. What was not liked stays so.'],
] as const) {
  builder.relayMutationField(
    name,
    {
      description: 'Which post is meant.',
      inputFields: (t) => ({ postId: t.id({ required: true, description: 'The post.' }) }),
    },
    {
      description,
      authScopes: { signedIn: true },
      resolve: async (_root, { input }, context) => {
        const postId = decodeId('Post', input.postId, 'input.postId');
        const count = await act(context, postId);
        return { post: await findPost(context, postId), likeCount: count };
      },
    },
    {
      description: 'The post, and how many like it now.',
      outputFields: (t) => ({
        post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }),
        likeCount: t.int({ description: 'How many users like it now.', resolve: (payload) => payload.likeCount }),
      }),
    },
  );
}

builder.relayMutationField(
  'addComment',
  {
    description: 'A new comment.',
    validate: z.looseObject({ body: text(1, MAX_COMMENT), clientId: clientIdText.nullish() }),
    inputFields: (t) => ({
      postId: t.id({ required: true, description: 'The post to comment on.' }),
      body: t.string({ required: true, description: `Its text, as Markdown; 1 to ${MAX_COMMENT} characters.` }),
      replyToId: t.id({ description: 'The comment it answers, under the same post.' }),
      clientId: t.string({ description: 'Sent again with the same input it gives the same comment.' }),
    }),
  },
  {
    description: 'Comments on a post.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      comment: await addComment(context, {
        postId: decodeId('Post', input.postId, 'input.postId'),
        body: input.body,
        replyToId: input.replyToId ? decodeId('Comment', input.replyToId, 'input.replyToId') : null,
        clientId: input.clientId,
      }),
    }),
  },
  {
    description: 'The new comment.',
    outputFields: (t) => ({ comment: t.field({ type: Comment, description: 'The comment.', resolve: ({ comment }) => comment }) }),
  },
);

builder.relayMutationField(
  'updateComment',
  {
    description: 'New words for a comment.',
    validate: z.looseObject({ body: text(1, MAX_COMMENT) }),
    inputFields: (t) => ({
      id: t.id({ required: true, description: 'The comment.' }),
      body: t.string({ required: true, description: `Its new text; 1 to ${MAX_COMMENT} characters.` }),
    }),
  },
  {
    description: 'Edits one of the viewer\'s comments.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      comment: await updateComment(context, { id: decodeId('Comment', input.id, 'input.id'), body: input.body }),
    }),
  },
  {
    description: 'The edited comment.',
    outputFields: (t) => ({ comment: t.field({ type: Comment, description: 'The comment.', resolve: ({ comment }) => comment }) }),
  },
);

builder.relayMutationField(
  'deleteComment',
  {
    description: 'Which comment to delete.',
    inputFields: (t) => ({ id: t.id({ required: true, description: 'The comment.' }) }),
  },
  {
    description: 'Deletes a comment: the viewer\'s own, or for moderators anyone\'s. Replies to it stay.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => ({
      commentId: await deleteComment(context, { id: decodeId('Comment', input.id, 'input.id') }),
    }),
  },
  {
    description: 'What was deleted.',
    outputFields: (t) => ({
      commentId: t.id({ description: 'The comment that is gone.', resolve: ({ commentId }) => encodeId('Comment', commentId) }),
    }),
  },
);

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

const CommentAdded = builder
  .objectRef<LogEvent<{ CommentAdded: { readonly commentId: string } }, 'CommentAdded'>>('CommentAdded')
  .implement({
    description: 'A comment has been added to a post.',
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Where to go on after this event.' }),
      postId: t.id({ description: 'The post.', resolve: ({ key }) => encodeId('Post', key) }),
      post: t.prismaField({
        type: 'Post',
        description: 'The post.',
        resolve: (query, { key }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: key } }),
      }),
      comment: t.prismaField({
        type: 'Comment',
        description: 'The comment.',
        resolve: (query, { ref }, _args, { db }) => db.prisma.comment.findUniqueOrThrow({ ...query, where: { id: ref.commentId } }),
      }),
    }),
  });

builder.subscriptionField('commentAdded', (t) =>
  t.topic({
    type: CommentAdded,
    topic: commentLog,
    kinds: ['CommentAdded'],
    description: 'Each new comment on a post, once and in order, after `after`; without it, from now.',
    args: {
      postId: t.arg.id({ required: true, description: 'The post.' }),
      after: t.arg.string({ description: 'A cursor of this log: `Post.commentCursor`, an edge\'s or an event\'s.' }),
    },
    authorize: async ({ postId, after }, context) => ({ key: (await findPost(context, decodeId('Post', postId, 'postId'))).id, after }),
    resolve: (event) => event,
  }),
);
