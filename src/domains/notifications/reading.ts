import type { Context } from '../../context.js';
import type { Database } from '../../db/database.js';
import { Prisma, type Notification } from '../../db/generated/prisma/client.js';
import { badInput, notFound } from '../../errors.js';
import { assertReadable, decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { notificationsOf, notWithdrawn } from './rules.js';
import { notificationLog } from './topics.js';

/** How many a user has not read. */
export const countUnread = async ({ prisma }: Database, userId: string): Promise<number> =>
  await prisma.notification.count({ where: notificationsOf(userId, true) });

/** One of the viewer's; null for all others. */
export const findNotification = async (context: Context, id: string): Promise<Notification | null> =>
  await context.db.prisma.notification.findUnique({ where: { id, userId: viewerOf(context).id } });

/** Which ones are meant; exactly one of these is given. */
export interface Which {
  readonly ids?: readonly string[] | null | undefined;
  /** A cursor of the viewer's log. */
  readonly upTo?: string | null | undefined;
  readonly all?: boolean | null | undefined;
}

/** Rows that a payload shows at most, of however many were read. */
const SHOWN = 100;

/**
 * What is read stays read, and further acts open another notification.
 * @returns those named by `ids`, in their order; else those that were unread, the latest first, a hundred at most
 * @throws BAD_USER_INPUT unless exactly one of the three is given, or for a cursor of another stream, CURSOR_EXPIRED for one beyond the
 *   head or of another history, NOT_FOUND, with nothing read, when one of the ids is not of the viewer's
 */
export const markNotificationsRead = async (context: Context, which: Which): Promise<Notification[]> => {
  const { prisma, transact } = context.db;
  const userId = viewerOf(context).id;
  const condition = await conditionOf(context, userId, which);
  const readAt = new Date(context.clock.now());
  // In the order in which those lock them who add something.
  const read = await transact(
    (tx) => tx.$queryRaw<{ readonly id: string }[]>`
      WITH held AS (
        SELECT id FROM notification WHERE user_id = ${userId}::uuid AND open_key IS NOT NULL AND ${condition} ORDER BY open_key FOR UPDATE
      )
      UPDATE notification SET read_at = ${readAt}, open_key = NULL FROM held WHERE notification.id = held.id RETURNING notification.id`,
  );
  const { ids } = which;
  if (!ids) {
    const where = { AND: [{ id: { in: read.map(({ id }) => id) } }, notWithdrawn] };
    return await prisma.notification.findMany({ where, orderBy: { seq: 'desc' }, take: SHOWN });
  }
  const rows = new Map((await prisma.notification.findMany({ where: { id: { in: [...ids] } } })).map((row) => [row.id, row]));
  return [...new Set(ids)].flatMap((id) => rows.get(id) ?? []);
};

const conditionOf = async (context: Context, userId: string, { ids, upTo, all }: Which): Promise<Prisma.Sql> => {
  const given = [ids, upTo, all === true ? all : null].filter((each) => each !== null && each !== undefined);
  if (given.length !== 1) throw badInput({ path: 'input', code: 'EXCLUSIVE', message: 'Give exactly one of ids, upTo and all: true.' });
  if (ids) {
    const own = await context.db.prisma.notification.count({ where: { userId, id: { in: [...ids] } } });
    if (own < new Set(ids).size) throw notFound('Notification');
    return Prisma.sql`id = ANY(${ids}::uuid[])`;
  }
  if (typeof upTo !== 'string') return Prisma.sql`true`;
  const position = decodeCursor(notificationLog.name, userId, upTo, 'input.upTo');
  const head = await readHead(context.db.prisma, notificationLog.name, userId);
  // Notifications are kept longer than the events that told of them, and an old one may still be read.
  assertReadable(notificationLog.name, userId, { ...position, seq: Math.max(position.seq, (head?.oldestSeq ?? 1) - 1) }, head);
  return Prisma.sql`seq <= ${position.seq}`;
};
