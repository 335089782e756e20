import { createOnce } from '../../db/client-id.js';
import type { Post, Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Tx } from '../../db/transact.js';
import type { Context } from '../../context.js';
import { coded, notFound } from '../../errors.js';
import { decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { withdrawAll } from '../notifications/notifications.js';
import type { About } from '../notifications/rules.js';
import { mayDelete, mayEdit } from './rules.js';
import { commentCount, commentLog, likeCount } from './topics.js';

/** Newest first. */
export const newestFirst: Keyset<Pick<Post, 'id' | 'createdAt'>> = {
  name: 'posts',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: (post) => post.createdAt },
    { field: 'id', type: 'uuid', direction: 'desc', value: (post) => post.id },
  ],
};

/** Posts that are not deleted, as a condition. */
export const notDeleted = { deletedAt: null } as const satisfies Prisma.PostWhereInput;

/** @throws NOT_FOUND, also for a post that was deleted */
export const findPost = async (context: Context, id: string): Promise<Post> => {
  const post = await context.db.prisma.post.findUnique({ where: { id, ...notDeleted } });
  if (post === null) throw notFound('Post');
  return post;
};

/**
 * For the log of a post. That of one that was deleted still goes on for whoever followed it and comes back with a cursor, until they have
 * seen the deletion, its last event.
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

/** @throws CONFLICT for a `clientId` used with other input, NOT_FOUND for that of a post that was deleted */
export const createPost = async (
  context: Context,
  input: { readonly body: string; readonly clientId?: string | null | undefined },
): Promise<Post> => {
  const { prisma } = context.db;
  const authorId = viewerOf(context).id;
  const post = await createOnce(
    input.clientId,
    input,
    (clientId) => prisma.post.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    (key) => prisma.post.create({ data: { body: input.body, authorId, ...key } }),
  );
  if (post.deletedAt !== null) throw notFound('Post');
  return post;
};

/** The same body once more is no change, and nobody hears of it. @throws NOT_FOUND, FORBIDDEN for another's post */
export const updatePost = async (context: Context, { id, body }: { readonly id: string; readonly body: string }): Promise<Post> => {
  const post = await findPost(context, id);
  if (!mayEdit(viewerOf(context), post)) throw coded('FORBIDDEN', 'Only its author may edit a post.');
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
 * Takes back what a post said, and all that was said under it, with what is told of it. The rows stay, empty, for the events that lead to them; nothing else does.
 * The deletion is the last event of the post's log: whoever else emits to it locks, before that, the post or one of its comments, and finds
 * it deleted or is waited for here.
 * @throws NOT_FOUND, FORBIDDEN
 */
export const deletePost = async (context: Context, { id }: { readonly id: string }): Promise<void> => {
  const post = await findPost(context, id);
  if (!mayDelete(viewerOf(context), post)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a post.');
  const deletedAt = new Date(context.clock.now());
  await context.db.transact(async (tx) => {
    const { count } = await tx.post.updateMany({
      where: { id, ...notDeleted },
      data: { body: '', deletedAt, likeCount: 0, commentCount: 0 },
    });
    if (count === 0) throw notFound('Post');
    await tx.comment.updateMany({ where: { postId: id, deletedAt: null }, data: { body: '', deletedAt } });
    await withdrawAll(tx, ...(await heardOf(tx, post)));
    tx.emit(commentLog, id, 'PostDeleted', null);
    tx.emit(likeCount, id);
    tx.emit(commentCount, id);
  });
};

/** What its author was told of a post, and the authors of comments of the answers to them. */
const heardOf = async (tx: Tx, { id, authorId }: Post): Promise<About[]> => {
  const answered = await tx.comment.findMany({ where: { postId: id, replies: { some: {} } }, select: { id: true, authorId: true } });
  const subject = { type: 'Post', id } as const;
  return [
    { kind: 'LIKE', userId: authorId, subject },
    { kind: 'COMMENT', userId: authorId, subject },
    ...answered.map((comment) => ({ kind: 'COMMENT', userId: comment.authorId, subject: { type: 'Comment', id: comment.id } }) as const),
  ];
};
