import { createOnce } from '../../db/client-id.js';
import type { Post, Prisma } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import type { Context } from '../../context.js';
import { coded, notFound } from '../../errors.js';
import { decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { withdrawAll } from '../notifications/notifications.js';
import type { About } from '../notifications/rules.js';
import { tellFollowers } from './feed-events.js';
import { can } from './rules.js';
import { commentCount, commentLog, likeCount } from './topics.js';

/** Newest first. */
export const newestFirst = byRecency('posts', 'id');

/** A Prisma condition: posts that are not deleted. */
export const notDeleted = { deletedAt: null } as const satisfies Prisma.PostWhereInput;

/** Reads a post. @throws NOT_FOUND, also for a deleted one */
export const findPost = async (context: Context, id: string): Promise<Post> => {
  const post = await context.db.prisma.post.findUnique({ where: { id, ...notDeleted } });
  if (post === null) throw notFound('Post');
  return post;
};

/**
 * Checks that the log of a post may be followed. The log of a deleted post may still be resumed with a cursor from before the deletion, its
 * last event.
 * @throws NOT_FOUND, BAD_USER_INPUT for a cursor of another stream
 */
export const assertFollowable = async ({ db }: Context, id: string, after: string | null | undefined): Promise<void> => {
  const post = await db.prisma.post.findUnique({ where: { id }, select: { deletedAt: true } });
  if (post === null) throw notFound('Post');
  if (post.deletedAt === null) return;
  if (after === null || after === undefined) throw notFound('Post');
  const { seq } = decodeCursor(commentLog.name, id, after);
  const head = await readHead(db.prisma, commentLog.name, id);
  if (head === null || seq >= head.lastSeq) throw notFound('Post');
};

/** Creates a post. @throws CONFLICT for a `clientId` used with other input, NOT_FOUND for the `clientId` of a post that was deleted */
export const createPost = async (
  context: Context,
  input: { readonly body: string; readonly clientId?: string | null | undefined },
): Promise<Post> => {
  const { prisma, transact } = context.db;
  const authorId = viewerOf(context).id;
  const post = await createOnce(
    input.clientId,
    input,
    (clientId) => prisma.post.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    (key) =>
      transact(async (tx) => {
        const written = await tx.post.create({ data: { body: input.body, authorId, ...key } });
        await tellFollowers(tx, written);
        return written;
      }),
  );
  if (post.deletedAt !== null) throw notFound('Post');
  return post;
};

/** Changes the body of a post. An unchanged body emits no event. @throws NOT_FOUND, FORBIDDEN for another user's post */
export const updatePost = async (context: Context, { id, body }: { readonly id: string; readonly body: string }): Promise<Post> => {
  const post = await findPost(context, id);
  if (!can(viewerOf(context), 'edit', post)) throw coded('FORBIDDEN', 'Only its author may edit a post.');
  const { post: written, event } = await context.db.transact(async (tx) => {
    const [edited] = await tx.post.updateManyAndReturn({
      where: { id, ...notDeleted, body: { not: body } },
      data: { body, editedAt: new Date(context.clock.now()) },
    });
    if (edited !== undefined) return { post: edited, event: tx.emit(commentLog, id, 'PostEdited', null) };
    const same = await tx.post.findUnique({ where: { id, ...notDeleted } });
    if (same === null) throw notFound('Post');
    return { post: same, event: null };
  });
  return event === null ? written : { ...written, editedAt: event.at };
};

/**
 * Deletes the body of a post and of all its comments, and withdraws their notifications. The empty rows stay because events refer to them.
 * PostDeleted is the last event of the post's log. Example: B comments while A deletes. B's transaction locks the post's row before it
 * emits; either it commits first, or it waits and finds the post deleted.
 * @throws NOT_FOUND, FORBIDDEN
 */
export const deletePost = async (context: Context, { id }: { readonly id: string }): Promise<void> => {
  const viewer = viewerOf(context);
  const post = await findPost(context, id);
  if (!can(viewer, 'delete', post)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a post.');
  const deletedAt = new Date(context.clock.now());
  await context.db.transact(async (tx) => {
    const { count } = await tx.post.updateMany({
      where: { id, ...notDeleted },
      data: { body: '', deletedAt, likeCount: 0, commentCount: 0 },
    });
    if (count === 0) throw notFound('Post');
    await tx.comment.updateMany({ where: { postId: id, deletedAt: null }, data: { body: '', deletedAt } });
    await withdrawAll(tx, ...(await notificationsAbout(tx, post)));
    if (!can(viewer, 'edit', post)) tx.audit('deletePost', { type: 'Post', id }, { authorId: post.authorId });
    tx.emit(commentLog, id, 'PostDeleted', null);
    tx.emit(likeCount, id);
    tx.emit(commentCount, id);
  });
};

/** The notifications about a post: those of its author, and those of the authors of answered comments. */
const notificationsAbout = async (tx: Tx, { id, authorId }: Post): Promise<About[]> => {
  const answered = await tx.comment.findMany({ where: { postId: id, replies: { some: {} } }, select: { id: true, authorId: true } });
  const subject = { type: 'Post', id } as const;
  return [
    { kind: 'LIKE', userId: authorId, subject },
    { kind: 'COMMENT', userId: authorId, subject },
    ...answered.map((comment) => ({ kind: 'COMMENT', userId: comment.authorId, subject: { type: 'Comment', id: comment.id } }) as const),
  ];
};
