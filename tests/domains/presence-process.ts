/**
 * A process that holds a device of every user of a database, prints a line once they are all written, and goes on until it is
 * killed. Arguments: the database's URL, the lease and the grace in milliseconds.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../src/db/database.js';
import { createPresence } from '../../src/domains/presence/leases.js';
import { createLog } from '../../src/observability/log.js';

const [, , url = '', leaseMs, graceMs] = process.argv;
const log = createLog('silent');
const db = openDatabase({ target: { url }, poolSize: 4, timeoutMs: 5_000, log, onCommit: () => undefined });
const presence = await createPresence({ db, log, processId: randomUUID(), leaseMs: Number(leaseMs), graceMs: Number(graceMs) });
const users = await db.prisma.user.findMany({ select: { id: true } });
for (const { id } of users) presence.enter(id, 'device');
while ((await db.prisma.userPresence.count({ where: { status: 'ONLINE' } })) < users.length) await delay(5);
process.stdout.write('all are here\n');
// Presence keeps no process alive by itself.
setInterval(() => undefined, 60_000);
