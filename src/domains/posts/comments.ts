import type { Context } from '../../context.js';
import { createOnce } from '../../db/client-id.js';
import type { Comment, Post } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { assertNotBlocked } from '../blocks/blocks.js';
import { notify, withdraw, withdrawAll } from '../notifications/notifications.js';
import { openKeyOf, type Act } from '../notifications/rules.js';
import { findPost, notDeleted } from './posts.js';
import { can } from './rules.js';
import { commentCount, commentLog } from './topics.js';

export interface AddComment {
  readonly postId: string;
  readonly body: string;
  readonly replyToId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/**
 * Adds a comment to a post, or a reply to a comment.
 * @throws NOT_FOUND, FORBIDDEN when a block separates the viewer from the author of the post or of the answered comment, BAD_USER_INPUT for
 *   a reply to a comment of another post or to a deleted one, CONFLICT for a `clientId` used with other input
 */
export const addComment = async (context: Context, input: AddComment): Promise<Comment> => {
  const { prisma, transact } = context.db;
  const authorId = viewerOf(context).id;
  const { postId, body, replyToId = null, clientId } = input;
  return await createOnce(
    clientId,
    { ...input },
    (id) => prisma.comment.findUnique({ where: { authorId_clientId: { authorId, clientId: id } } }),
    async (key) => {
      const post = await findPost(context, postId);
      const answered = await assertMayComment(context, post, replyToId);
      const { id } = await transact(async (tx) => {
        // The post's row is locked first: concurrent comments on the same post queue here, which prevents deadlocks.
        const counted = await tx.post.updateMany({ where: { id: postId, ...notDeleted }, data: { commentCount: { increment: 1 } } });
        if (counted.count === 0) throw notFound('Post');
        const comment = await tx.comment.create({ data: { postId, authorId, body, replyToId, ...key }, select: { id: true } });
        await notify(tx, ...actsOf(authorId, post, answered));
        tx.emit(commentLog, postId, 'CommentAdded', { commentId: comment.id });
        tx.emit(commentCount, postId);
        return comment;
      });
      // The row is read again for the seq that the projection has written.
      return await prisma.comment.findUniqueOrThrow({ where: { id } });
    },
  );
};

/** Checks that the viewer may comment. @returns the comment that is answered, if any */
const assertMayComment = async (context: Context, post: Post, replyToId: string | null): Promise<Comment | null> => {
  const { prisma } = context.db;
  const original = replyToId === null ? null : await prisma.comment.findUnique({ where: { id: replyToId, deletedAt: null } });
  if (replyToId !== null && original?.postId !== post.id) {
    throw badInput({ path: 'input.replyToId', code: 'NOT_FOUND', message: 'There is no such comment under this post.' });
  }
  await assertNotBlocked(prisma, viewerOf(context).id, post.authorId, ...(original === null ? [] : [original.authorId]));
  return original;
};

type Authored = Pick<Comment, 'id' | 'authorId'>;

/**
 * The acts to notify of: the author of the answered comment gets the reply, and the author of the post the comment, unless they are the
 * same user.
 */
const actsOf = (actorId: string, post: Authored, answered: Authored | null): Act[] => {
  const acts: Act[] = [];
  if (answered !== null) acts.push({ kind: 'COMMENT', userId: answered.authorId, actorId, subject: { type: 'Comment', id: answered.id } });
  if (answered?.authorId !== post.authorId)
    acts.push({ kind: 'COMMENT', userId: post.authorId, actorId, subject: { type: 'Post', id: post.id } });
  return acts;
};

/** Reads a comment. @throws NOT_FOUND, also for a deleted one */
export const findComment = async (context: Context, id: string): Promise<Comment> => {
  const comment = await context.db.prisma.comment.findUnique({ where: { id, deletedAt: null } });
  if (comment === null) throw notFound('Comment');
  return comment;
};

/** Changes the body of a comment. An unchanged body emits no event. @throws NOT_FOUND, FORBIDDEN for another user's comment */
export const updateComment = async (context: Context, { id, body }: { readonly id: string; readonly body: string }): Promise<Comment> => {
  const comment = await findComment(context, id);
  if (!can(viewerOf(context), 'edit', comment)) throw coded('FORBIDDEN', 'Only its author may edit a comment.');
  const { comment: written, event } = await context.db.transact(async (tx) => {
    const [edited] = await tx.comment.updateManyAndReturn({
      where: { id, deletedAt: null, body: { not: body } },
      data: { body, editedAt: new Date(context.clock.now()) },
    });
    if (edited !== undefined) return { comment: edited, event: tx.emit(commentLog, edited.postId, 'CommentEdited', { commentId: id }) };
    const same = await tx.comment.findUnique({ where: { id, deletedAt: null } });
    if (same === null) throw notFound('Comment');
    return { comment: same, event: null };
  });
  return event === null ? written : { ...written, editedAt: event.at };
};

/**
 * Deletes the body of a comment. Its row stays in the thread as a tombstone, because replies, events and cursors refer to it.
 * @returns the ids of the comment and of its post
 * @throws NOT_FOUND, FORBIDDEN
 */
export const deleteComment = async (context: Context, { id }: { readonly id: string }): Promise<Pick<Comment, 'id' | 'postId'>> => {
  const viewer = viewerOf(context);
  const comment = await findComment(context, id);
  if (!can(viewer, 'delete', comment)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a comment.');
  const { postId } = comment;
  await context.db.transact(async (tx) => {
    await tx.post.updateMany({ where: { id: postId }, data: { commentCount: { decrement: 1 } } });
    const { count } = await tx.comment.updateMany({
      where: { id, deletedAt: null },
      data: { body: '', deletedAt: new Date(context.clock.now()) },
    });
    // A concurrent call has deleted it first; the exception rolls back the changed count.
    if (count === 0) throw notFound('Comment');
    await withdrawActs(tx, comment);
    // Replies stay, but the author of the deleted comment need no longer be notified of them.
    await withdrawAll(tx, { kind: 'COMMENT', userId: comment.authorId, subject: { type: 'Comment', id } });
    if (!can(viewer, 'edit', comment)) tx.audit('deleteComment', { type: 'Comment', id }, { authorId: comment.authorId });
    tx.emit(commentLog, postId, 'CommentDeleted', { commentId: id });
    tx.emit(commentCount, postId);
  });
  return { id, postId };
};

/** Withdraws the notifications of a comment, unless the same user has another comment that they also tell of. */
const withdrawActs = async (tx: Tx, { id, postId, authorId }: Comment): Promise<void> => {
  const { authorId: postAuthorId } = await tx.post.findUniqueOrThrow({ where: { id: postId }, select: { authorId: true } });
  const written = await tx.comment.findMany({
    where: { postId, authorId, OR: [{ id }, { deletedAt: null }] },
    select: { id: true, replyTo: { select: { id: true, authorId: true } } },
  });
  const acts = (comments: typeof written): Act[] =>
    comments.flatMap(({ replyTo }) => actsOf(authorId, { id: postId, authorId: postAuthorId }, replyTo));
  const stay = new Set(acts(written.filter((each) => each.id !== id)).map(openKeyOf));
  await withdraw(tx, ...acts(written.filter((each) => each.id === id)).filter((act) => !stay.has(openKeyOf(act))));
};
