import type { Context } from '../../context.js';
import { capped, MAX_UNREAD } from '../../db/count.js';
import type { Database } from '../../db/database.js';
import { Prisma, type Notification } from '../../db/generated/prisma/client.js';
import { badInput, notFound } from '../../errors.js';
import { assertReadable, decodeCursor } from '../../realtime/cursor.js';
import { readHead } from '../../realtime/event-log.js';
import { viewerOf } from '../../access/viewer.js';
import { tellCounts } from '../inbox/inbox.js';
import { notificationsOf, notWithdrawn } from './rules.js';
import { notificationLog } from './topics.js';

/** The number of a user's unread notifications, up to {@link MAX_UNREAD}. */
export const countUnread = async ({ prisma }: Database, userId: string): Promise<number> =>
  capped(
    await prisma.notification.count({ where: notificationsOf(userId, true), orderBy: { seq: 'desc' }, take: MAX_UNREAD + 1 }),
    MAX_UNREAD,
  );

/** A notification of the viewer; null for those of other users. */
export const findNotification = async (context: Context, id: string): Promise<Notification | null> =>
  await context.db.prisma.notification.findUnique({ where: { id, userId: viewerOf(context).id } });

/** Selects notifications; exactly one of the fields is given. */
export interface Which {
  readonly ids?: readonly string[] | null | undefined;
  /** A cursor of the viewer's notification log. */
  readonly upTo?: string | null | undefined;
  readonly all?: boolean | null | undefined;
}

/** The most rows that a payload contains, however many were read. */
const MAX_RETURNED = 100;

/**
 * Marks notifications as read. A later act opens a new notification.
 * @returns those named by `ids`, in their order; otherwise those that were unread, the latest first, a hundred at most
 * @throws BAD_USER_INPUT unless exactly one of the fields is given, or for a cursor of another stream; CURSOR_EXPIRED for a cursor beyond
 *   the head or of another epoch; NOT_FOUND, with nothing changed, when one of the ids is not the viewer's
 */
export const markNotificationsRead = async (context: Context, which: Which): Promise<Notification[]> => {
  const { prisma, transact } = context.db;
  const userId = viewerOf(context).id;
  const condition = await conditionOf(context, userId, which);
  const readAt = new Date(context.clock.now());
  // The rows are locked in the order in which `notify` locks them.
  const read = await transact(async (tx) => {
    const rows = await tx.$queryRaw<{ readonly id: string }[]>`
      WITH held AS (
        SELECT id FROM notification WHERE user_id = ${userId}::uuid AND open_key IS NOT NULL AND ${condition} ORDER BY open_key FOR UPDATE
      )
      UPDATE notification SET read_at = ${readAt}, open_key = NULL FROM held WHERE notification.id = held.id RETURNING notification.id`;
    if (rows.length > 0) tellCounts(tx, [userId]);
    return rows;
  });
  const { ids } = which;
  if (!ids) {
    const where = { AND: [{ id: { in: read.map(({ id }) => id) } }, notWithdrawn] };
    return await prisma.notification.findMany({ where, orderBy: { seq: 'desc' }, take: MAX_RETURNED });
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
  // Notifications are kept longer than their events, so a cursor below the oldest event is valid here.
  assertReadable(notificationLog.name, userId, { ...position, seq: Math.max(position.seq, (head?.oldestSeq ?? 1) - 1) }, head);
  return Prisma.sql`seq <= ${position.seq}`;
};
