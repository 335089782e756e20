import type { GraphQLResolveInfo } from 'graphql';
import { capped, countEach, MAX_COUNT } from '../../db/count.js';
import { builder, type Types } from '../../graphql/builder.js';
import { childPage, connectionType, nodeQuery } from '../../graphql/connection.js';
import type { Context } from '../../context.js';
import { Prisma, type Comment as CommentRow } from '../../db/generated/prisma/client.js';
import { headFirst } from '../../graphql/heads.js';
import { bodyHtml } from '../../graphql/html.js';
import { encodeId } from '../../graphql/ids.js';
import { batched } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { LOOKED_UP, SHORT_COUNT } from '../../graphql/price.js';
import { streamKeyset } from '../../realtime/stream-keyset.js';
import { markdownText } from '../../graphql/text.js';
import { viewerCan } from '../../graphql/viewer-can.js';
import { addComment, deleteComment, findComment, updateComment } from './comments.js';
import { notDeleted } from './posts.js';
import { can } from './rules.js';
import { commentCount, commentLog, type Count } from './topics.js';
import { commentHead, Post, postOf } from './schema.js';

const MAX_COMMENT = 2_000;
const commentText = markdownText(1, MAX_COMMENT);

/** Whether a post exists and is not deleted. */
const postExists = batched(async ({ db }, postIds) => {
  const posts = await db.prisma.post.findMany({ where: { id: { in: [...postIds] }, ...notDeleted }, select: { id: true } });
  return new Map(posts.map(({ id }) => [id, true]));
}, false);

/** The total includes deleted comments, which keep their places as tombstones; those of a deleted post are gone with it. */
const threadSize = (condition: Prisma.Sql) =>
  batched(
    ({ db }, postIds) =>
      countEach(
        db.prisma,
        postIds,
        (id) => Prisma.sql`
          SELECT 1 FROM comment WHERE post_id = ${id} AND ${condition}
            AND EXISTS (SELECT 1 FROM post WHERE post.id = ${id} AND post.deleted_at IS NULL)`,
      ),
    0,
  );

const allComments = threadSize(Prisma.sql`true`);
const topLevelComments = threadSize(Prisma.sql`reply_to_id IS NULL`);

/** The number of comments of a post and its version; 0 in version 0 for a deleted post. */
const loadComments = batched<Count | null>(({ db }, postIds) => commentCount.load(db.prisma, postIds), null);

const commentsOf = async (context: Context, postId: string): Promise<Count> =>
  (await loadComments(context, postId)) ?? { postId, count: 0, version: 0 };

const replySize = (condition: Prisma.Sql) =>
  batched(
    ({ db }, commentIds) =>
      countEach(db.prisma, commentIds, (id) => Prisma.sql`SELECT 1 FROM comment reply WHERE reply.reply_to_id = ${id} AND ${condition}`),
    0,
  );

/** Replies under a deleted post are gone with it. */
const allReplies = replySize(Prisma.sql`EXISTS (SELECT 1 FROM post WHERE post.id = reply.post_id AND post.deleted_at IS NULL)`);
const replyCount = replySize(Prisma.sql`reply.deleted_at IS NULL`);

/** Comments ordered by the post's log, with the cursors of that log. */
const threadOrder = async (context: Context, info: GraphQLResolveInfo, postId: string) =>
  streamKeyset(commentLog.name, postId, await headFirst(commentHead, context, info, postId));

// ---------------------------------------------------------------- types

export const Comment = builder.prismaObject('Comment', {
  description: 'A comment on a post, or a reply to another comment on it.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown; empty once it is deleted.' }),
    bodyHtml: t.string(bodyHtml),
    author: t.relation('author', { description: 'Who wrote it.' }),
    post: t.relation('post', { description: 'The post it stands under.' }),
    replyTo: t.relation('replyTo', { nullable: true, description: 'The comment it replies to; null for a comment on the post itself.' }),
    replyCount: t.int({
      price: SHORT_COUNT,
      description: `How many comments reply to it directly, without deleted ones; ${MAX_COUNT} stands for that many or more.`,
      resolve: async ({ id }, _args, context) => capped(await replyCount(context, id)),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was deleted; null while it is there. It keeps its place in the thread.',
    }),
    viewerCanEdit: t.boolean(viewerCan('edit', can.rules.edit)),
    viewerCanDelete: t.boolean(viewerCan('delete', can.rules.delete)),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
  }),
});

builder.nodeRef<CommentRow, string, typeof Comment>(Comment, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) => {
    const comment = await context.db.prisma.comment.findUnique({ ...nodeQuery(context, info, 'Comment'), where: { id } });
    return comment !== null && (await postExists(context, comment.postId)) ? comment : null;
  },
});

export const CommentConnection = connectionType(Comment, 'Comment');

builder.prismaObjectFields(Post, (t) => ({
  comments: t.field({
    type: CommentConnection,
    description:
      "Its comments, oldest first; deleted ones keep their places, and a deleted post has none. An edge's cursor is the cursor of its event: `commentAdded(after:)` goes on from it.",
    args: {
      ...t.arg.connectionArgs(),
      topLevelOnly: t.arg.boolean({ description: 'Only comments on the post itself; `Comment.replies` has the replies to each.' }),
    },
    resolve: async (post, args, context, info) => {
      return await childPage(context, info, args, {
        list: { model: 'Post', relation: 'comments', where: args.topLevelOnly === true ? { replyToId: null } : {}, parents: notDeleted },
        parentId: post.id,
        keyset: await threadOrder(context, info, post.id),
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
        list: { model: 'Comment', relation: 'replies', parents: { post: notDeleted } },
        parentId: comment.id,
        keyset: await threadOrder(context, info, comment.postId),
        count: allReplies,
      }),
  }),
}));

// ---------------------------------------------------------------- mutations

/** The fields of a payload with the comment count that was changed, and its version. */
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

mutation('addComment', {
  description: 'Comments on a post.',
  access: 'signedIn',
  scope: 'WRITE_POSTS',
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
        price: LOOKED_UP,
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
  scope: 'WRITE_POSTS',
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
    reloaders: { comment: findComment },
    fields: (t) => ({ comment: t.field({ type: Comment, description: 'The comment.', resolve: ({ comment }) => comment }) }),
  },
});

mutation('deleteComment', {
  description: "Deletes a comment: the viewer's own, or for moderators anyone's. It keeps its place in the thread, without its text.",
  access: 'signedIn',
  scope: 'WRITE_POSTS',
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
        price: LOOKED_UP,
        description: 'What is left of the comment in its thread: empty, with its `deletedAt`.',
        resolve: (query, { id }, _args, { db }) => db.prisma.comment.findUniqueOrThrow({ ...query, where: { id } }),
      }),
      post: postOf(t, 'The post, with its `commentCount`.'),
      ...commentCountFields(t, ({ postId }) => postId),
    }),
  },
});
