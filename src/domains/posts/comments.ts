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
import { mayDelete, mayEdit } from './rules.js';
import { commentCount, commentLog } from './topics.js';

export interface AddComment {
  readonly postId: string;
  readonly body: string;
  readonly replyToId?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/**
 * @throws NOT_FOUND, FORBIDDEN where the viewer and the author of the post, or of the comment answered, are kept apart, BAD_USER_INPUT for a
 *   reply to a comment of another post or one that was deleted, CONFLICT for a `clientId` used with other input
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
        // First the row that others wait for: whoever comments on the same post is in line from here, and no two block each other.
        const counted = await tx.post.updateMany({ where: { id: postId, ...notDeleted }, data: { commentCount: { increment: 1 } } });
        if (counted.count === 0) throw notFound('Post');
        const comment = await tx.comment.create({ data: { postId, authorId, body, replyToId, ...key }, select: { id: true } });
        await notify(tx, ...actsOf(authorId, post, answered));
        tx.emit(commentLog, postId, 'CommentAdded', { commentId: comment.id });
        tx.emit(commentCount, postId);
        return comment;
      });
      // With the seq that the projection wrote into it.
      return await prisma.comment.findUniqueOrThrow({ where: { id } });
    },
  );
};

/** @returns the comment that is answered, if one is */
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

/** The author of what is answered hears of the answer, and the author of the post of the comment, if that is somebody else. */
const actsOf = (actorId: string, post: Authored, answered: Authored | null): Act[] => {
  const acts: Act[] = [];
  if (answered !== null) acts.push({ kind: 'COMMENT', userId: answered.authorId, actorId, subject: { type: 'Comment', id: answered.id } });
  if (answered?.authorId !== post.authorId)
    acts.push({ kind: 'COMMENT', userId: post.authorId, actorId, subject: { type: 'Post', id: post.id } });
  return acts;
};

/** @throws NOT_FOUND, also for a comment that was deleted */
export const findComment = async (context: Context, id: string): Promise<Comment> => {
  const comment = await context.db.prisma.comment.findUnique({ where: { id, deletedAt: null } });
  if (comment === null) throw notFound('Comment');
  return comment;
};

/** The same body once more is no change, and nobody hears of it. @throws NOT_FOUND, FORBIDDEN for another's comment */
export const updateComment = async (context: Context, { id, body }: { readonly id: string; readonly body: string }): Promise<Comment> => {
  const comment = await findComment(context, id);
  if (!mayEdit(viewerOf(context), comment)) throw coded('FORBIDDEN', 'Only its author may edit a comment.');
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
 * Takes back what a comment said. The row stays in the thread, as a tombstone: replies, events and cursors lead to it.
 * @returns which it is, and of which post
 * @throws NOT_FOUND, FORBIDDEN
 */
export const deleteComment = async (context: Context, { id }: { readonly id: string }): Promise<Pick<Comment, 'id' | 'postId'>> => {
  const comment = await findComment(context, id);
  if (!mayDelete(viewerOf(context), comment)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a comment.');
  const { postId } = comment;
  await context.db.transact(async (tx) => {
    await tx.post.updateMany({ where: { id: postId }, data: { commentCount: { decrement: 1 } } });
    const { count } = await tx.comment.updateMany({
      where: { id, deletedAt: null },
      data: { body: '', deletedAt: new Date(context.clock.now()) },
    });
    // Somebody else was faster; what was counted is undone with the rest.
    if (count === 0) throw notFound('Comment');
    await withdrawActs(tx, comment);
    // What answers it stays, but its author has taken back what was answered.
    await withdrawAll(tx, { kind: 'COMMENT', userId: comment.authorId, subject: { type: 'Comment', id } });
    tx.emit(commentLog, postId, 'CommentDeleted', { commentId: id });
    tx.emit(commentCount, postId);
  });
  return { id, postId };
};

/** Who has commented several times has still done so when one of these is deleted. */
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
