import type { Context } from '../../context.js';
import { createOnce } from '../../db/client-id.js';
import type { Comment } from '../../db/generated/prisma/client.js';
import { badInput, coded, notFound } from '../../errors.js';
import { viewerOf } from '../../viewer.js';
import { findPost } from './posts.js';
import { mayDelete, mayEdit } from './rules.js';
import { commentCount, commentLog } from './topics.js';

export interface AddComment {
  readonly postId: string;
  readonly body: string;
  readonly replyToId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/** @throws NOT_FOUND, BAD_USER_INPUT for a reply to a comment of another post, CONFLICT for a `clientId` used with other input */
export const addComment = async (context: Context, input: AddComment): Promise<Comment> => {
  const { prisma, transact } = context.db;
  const authorId = viewerOf(context).id;
  const { postId, body, replyToId = null, clientId } = input;
  return await createOnce(
    clientId,
    { ...input },
    (id) => prisma.comment.findUnique({ where: { authorId_clientId: { authorId, clientId: id } } }),
    async (key) => {
      await findPost(context, postId);
      if (replyToId !== null) await assertReplyTo(context, postId, replyToId);
      const { id } = await transact(async (tx) => {
        // First the row that others wait for: whoever comments on the same post is in line from here, and no two block each other.
        const counted = await tx.post.updateMany({ where: { id: postId }, data: { commentCount: { increment: 1 } } });
        if (counted.count === 0) throw notFound('Post');
        const comment = await tx.comment.create({ data: { postId, authorId, body, replyToId, ...key }, select: { id: true } });
        tx.emit(commentLog, postId, 'CommentAdded', { commentId: comment.id });
        tx.emit(commentCount, postId);
        return comment;
      });
      // With the seq that the transaction stamped into it.
      return await prisma.comment.findUniqueOrThrow({ where: { id } });
    },
  );
};

const assertReplyTo = async (context: Context, postId: string, replyToId: string): Promise<void> => {
  const original = await context.db.prisma.comment.findUnique({ where: { id: replyToId }, select: { postId: true } });
  if (original?.postId !== postId) throw badInput({ path: 'input.replyToId', message: 'There is no such comment under this post.' });
};

const findComment = async (context: Context, id: string): Promise<Comment> => {
  const comment = await context.db.prisma.comment.findUnique({ where: { id } });
  if (comment === null) throw notFound('Comment');
  return comment;
};

/** @throws NOT_FOUND, FORBIDDEN for another's comment */
export const updateComment = async (context: Context, input: { readonly id: string; readonly body: string }): Promise<Comment> => {
  const comment = await findComment(context, input.id);
  if (!mayEdit(viewerOf(context), comment)) throw coded('FORBIDDEN', 'Only its author may edit a comment.');
  return await context.db.prisma.comment.update({
    where: { id: comment.id },
    data: { body: input.body, editedAt: new Date(context.clock.now()) },
  });
};

/** Replies to it stay, as answers to nothing. @throws NOT_FOUND, FORBIDDEN */
export const deleteComment = async (context: Context, input: { readonly id: string }): Promise<string> => {
  const comment = await findComment(context, input.id);
  if (!mayDelete(viewerOf(context), comment)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a comment.');
  await context.db.transact(async (tx) => {
    const deleted = await tx.comment.deleteMany({ where: { id: comment.id } });
    if (deleted.count === 0) return;
    await tx.post.updateMany({ where: { id: comment.postId }, data: { commentCount: { decrement: 1 } } });
    tx.emit(commentCount, comment.postId);
  });
  return comment.id;
};
