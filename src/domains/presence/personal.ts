import { Prisma } from '../../db/generated/prisma/client.js';
import { UUID_TYPE, type PersonalTable } from '../../db/personal-data.js';

export const personalOfPresence: readonly PersonalTable[] = [
  {
    table: 'presence',
    exported: {
      name: 'presence',
      title: 'Whether you are here, and when you were last',
      columns: Prisma.sql`status, last_seen_at AS "lastSeenAt"`,
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
