import type { Context } from '../../context.js';
import { viewerOf } from '../../access/viewer.js';
import type { Tx } from '../../db/transact.js';
import { followedKey, presenceTopic } from './topics.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfPresence: readonly PersonalTable[] = [
  {
    table: 'presence',
    exported: {
      name: 'presence',
      title: 'Whether you are here, when you were last, and who is shown it',
      columns: Prisma.sql`status, last_seen_at AS "lastSeenAt", visible_to AS "visibleTo", last_seen_visible_to AS "lastSeenVisibleTo",
        appears_offline AS "appearsOffline"`,
      from: Prisma.sql`presence`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`user_id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
  {
    table: 'presence_device',
    exported: {
      name: 'devices',
      title: 'Your devices that are connected now',
      columns: Prisma.sql`device_ids AS "deviceIds", devices`,
      from: Prisma.sql`presence_device`,
      of: (userId) => Prisma.sql`user_id = ${userId}`,
      order: [[Prisma.sql`process_id`, UUID_TYPE]],
    },
    afterwards: 'Removed.',
  },
];

/**
 * Has a user look as if they had never been here. Whoever follows their presence is told, so that a page which shows the user learns that their account is
 * gone.
 */
export const forgetPresence = async (tx: Tx, userId: string): Promise<void> => {
  // In the order of the locks of presence: the user's row first.
  const { count } = await tx.userPresence.deleteMany({ where: { userId } });
  await tx.presenceDevice.deleteMany({ where: { userId } });
  if (count > 0) for (const key of [userId, followedKey(userId)]) tx.emit(presenceTopic, key);
};

/** The same once more for the viewer, for what their last sockets have written. */
export const erasePresence = (context: Context): Promise<void> => context.db.transact((tx) => forgetPresence(tx, viewerOf(context).id));
