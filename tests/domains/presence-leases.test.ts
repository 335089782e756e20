import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import type { Grown } from '../../src/db/transact.js';
import { createPresence, type Presence } from '../../src/domains/presence/leases.js';
import { presenceTopic, type PresenceValue } from '../../src/domains/presence/topics.js';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

/** Longer than any test: what happens within it does not happen by its end. */
const NEVER_MS = 600_000;

let database: TestDatabase;
/** What a test has started, to be ended in the opposite order. */
const started: (() => unknown)[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  started.push(() => database.drop());
});

afterEach(async () => {
  for (let end = started.pop(); end !== undefined; end = started.pop()) await end();
});

const until = (condition: () => unknown): Promise<unknown> => vi.waitFor(condition, { timeout: 60_000, interval: 10 });

const createUsers = async (count: number): Promise<string[]> => {
  const rows = await database.query<{ id: string }>(
    `INSERT INTO "user" (id, username, username_key, display_name)
     SELECT gen_random_uuid(), 'user' || n, 'user' || n, 'User' FROM generate_series(1, $1) n RETURNING id`,
    [count],
  );
  return rows.map(({ id }) => id);
};

const createUser = async (): Promise<string> => {
  const [id] = await createUsers(1);
  if (id === undefined) throw new Error('no user');
  return id;
};

interface TestProcess {
  readonly processId: string;
  readonly db: Database;
  readonly presence: Presence;
  /** What it logged: only warnings and worse. */
  readonly logged: readonly string[];
  readonly wakes: readonly Grown[];
  readonly stop: () => Promise<void>;
}

/** What the app of one process has of presence, with its own connections to the database. */
const startProcess = async ({ leaseMs = NEVER_MS, graceMs = NEVER_MS, timeoutMs = 5_000 } = {}): Promise<TestProcess> => {
  const processId = randomUUID();
  const logged: string[] = [];
  const wakes: Grown[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) });
  const db = openDatabase({ target: { url: database.url }, poolSize: 4, timeoutMs, log, onCommit: (some) => void wakes.push(...some) });
  const presence = await createPresence({ db, log, processId, leaseMs, graceMs });
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => (stopping ??= presence.stop().then(() => db.close()));
  started.push(stop);
  return { processId, db, presence, logged, wakes, stop };
};

const valueOf = async ({ db }: TestProcess, userId: string): Promise<PresenceValue | undefined> =>
  (await presenceTopic.load(db.prisma, [userId])).get(userId);

/** How many changes of how many users there have been: `{ 2: 100 }` is two of each of a hundred. */
const changes = async (): Promise<Record<number, number>> => {
  const rows = await database.query<{ seq: number; users: number }>(
    `SELECT last_seq AS seq, count(*)::int AS users FROM head WHERE topic = 'presence' GROUP BY last_seq`,
  );
  return Object.fromEntries(rows.map(({ seq, users }) => [seq, users]));
};

const devicesOf = async (userId: string): Promise<Record<string, number>> => {
  const rows = await database.query<{ process: string; devices: number }>(
    'SELECT process_id AS process, cardinality(device_ids) AS devices FROM presence_device WHERE user_id = $1',
    [userId],
  );
  return Object.fromEntries(rows.map(({ process, devices }) => [process, devices]));
};

const isLeaving = async (userId: string): Promise<boolean> => {
  const [row] = await database.query<{ due: Date | null }>('SELECT offline_due AS due FROM presence WHERE user_id = $1', [userId]);
  return row !== undefined && row.due !== null;
};

/** Keeps everyone else from what the statement locks, until the returned function is called. */
const lock = async (statement: string): Promise<() => Promise<void>> => {
  const client = new pg.Client(database.url);
  await client.connect();
  let locked = true;
  const unlock = async (): Promise<void> => {
    if (locked) await client.end();
    locked = false;
  };
  started.push(unlock);
  await client.query(`BEGIN; ${statement}`);
  return unlock;
};

const lockTable = (table: string): Promise<() => Promise<void>> => lock(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);

/** Waits until this many statements wait for a lock. */
const untilWaiting = (count: number): Promise<unknown> => {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return until(async () => expect(await database.query(waiting)).toHaveLength(count));
};

/** How many deadlocks there have been. All processes must have stopped: a connection hands in its statistics when it ends. */
const deadlocks = async (): Promise<number | undefined> => {
  await until(async () => {
    const others = 'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1';
    expect(await database.query(others, ['lyceum'])).toEqual([]);
  });
  const statistics = 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()';
  return (await database.query<{ deadlocks: number }>(statistics))[0]?.deadlocks;
};

describe('devices', () => {
  it('are counted over all processes: the first makes ONLINE, the last one to leave OFFLINE, and nothing between is a change', async () => {
    const user = await createUser();
    const [a, b] = [await startProcess({ graceMs: 0 }), await startProcess({ graceMs: 0 })];
    expect(await valueOf(a, user)).toMatchObject({ userId: user, status: 'OFFLINE', lastSeenAt: null, version: 0 });

    const leave = [a.presence.enter(user, randomUUID()), a.presence.enter(user, randomUUID())];
    await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 2 }));
    leave.push(b.presence.enter(user, randomUUID()));
    await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 2, [b.processId]: 1 }));
    leave[0]?.();
    leave[0]?.();
    await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 1, [b.processId]: 1 }));
    leave[1]?.();
    await until(async () => expect(await devicesOf(user)).toEqual({ [b.processId]: 1 }));
    expect(await isLeaving(user)).toBe(false);
    expect(await valueOf(a, user)).toMatchObject({ userId: user, status: 'ONLINE', lastSeenAt: null, version: 1 });

    leave[2]?.();
    await until(async () => expect((await valueOf(a, user))?.status).toBe('OFFLINE'));
    expect(await valueOf(b, user)).toMatchObject({ userId: user, status: 'OFFLINE', lastSeenAt: expect.any(Date), version: 2 });
    expect([a.wakes, b.wakes].map((wakes) => wakes.map(({ seq }) => seq))).toEqual([[1], [2]]);
    expect([...a.logged, ...b.logged]).toEqual([]);
  });

  it('that come and go at random, while processes are taken for dead, leave the truth behind, without a deadlock', async () => {
    const users = await createUsers(12);
    const processes = await Promise.all([1, 2, 3].map(() => startProcess({ leaseMs: 150, graceMs: 1 })));
    const entered: (() => void)[] = [];
    const pick = ({ length }: readonly unknown[]): number => Math.floor(Math.random() * length);
    // In every moment each ONLINE is an odd version and each OFFLINE an even one, and whoever has a device is ONLINE.
    const untrue = `
      SELECT user_id, status, last_seq FROM presence LEFT JOIN head ON topic = 'presence' AND key = user_id::text
      WHERE (status = 'ONLINE') <> (coalesce(last_seq, 0) % 2 = 1)
        OR EXISTS (SELECT FROM presence_device d WHERE d.user_id = presence.user_id) <> (status = 'ONLINE' AND offline_due IS NULL)`;
    for (let round = 0; round < 400; round += 1) {
      for (const { presence } of processes) {
        for (const user of users) if (Math.random() < 0.3) entered.push(presence.enter(user, randomUUID()));
      }
      while (entered.length > 10) entered.splice(pick(entered), 1)[0]?.();
      // As long as a statement takes, so that the rounds meet the writing of others in every stage.
      expect(await database.query(untrue)).toEqual([]);
      if (round % 20 === 19) {
        const dead = processes[pick(processes)]?.processId;
        await database.query('UPDATE presence_lease SET expires_at = now() WHERE process_id = $1', [dead]);
      }
    }
    for (const leave of entered) leave();
    await until(async () => {
      expect(await database.query(`SELECT * FROM presence WHERE status <> 'OFFLINE'`)).toEqual([]);
    });
    expect(await database.query(untrue)).toEqual([]);
    const expected = ['a process has died; its devices are gone', 'this process had lost its presence lease and has registered again'];
    expect(processes.flatMap(({ logged }) => logged).filter((message) => !expected.includes(message))).toEqual([]);
    await Promise.all(processes.map(({ stop }) => stop()));
    expect(await deadlocks()).toBe(0);
  });

  it('H16: one that comes back within the grace is no change, here or in another process', async () => {
    const user = await createUser();
    const [a, b] = [await startProcess(), await startProcess()];
    const leave = a.presence.enter(user, randomUUID());
    await until(async () => expect(await valueOf(a, user)).toMatchObject({ status: 'ONLINE' }));
    leave();
    await until(async () => expect(await isLeaving(user)).toBe(true));
    expect(await valueOf(a, user)).toMatchObject({ userId: user, status: 'ONLINE', lastSeenAt: null, version: 1 });
    b.presence.enter(user, randomUUID());
    await until(async () => expect(await isLeaving(user)).toBe(false));
    expect(await valueOf(a, user)).toMatchObject({ userId: user, status: 'ONLINE', lastSeenAt: null, version: 1 });
  });

  it('of a user who has been deleted meanwhile hold nothing up', async () => {
    const [gone, here] = await createUsers(2);
    const a = await startProcess();
    a.presence.enter(gone ?? '', randomUUID());
    a.presence.enter(here ?? '', randomUUID());
    await database.query('DELETE FROM "user" WHERE id = $1', [gone]);
    await until(async () => expect(await valueOf(a, here ?? '')).toMatchObject({ status: 'ONLINE' }));
    a.presence.enter(gone ?? '', randomUUID());
    a.presence.enter(here ?? '', randomUUID());
    await until(async () => expect(await devicesOf(here ?? '')).toEqual({ [a.processId]: 2 }));
    // The deletion may come in the middle of a write, which is then done once more.
    expect(a.logged.filter((line) => line !== 'presence could not be written; trying again')).toEqual([]);
  });
});

describe('a database that is away', () => {
  it('hears of the devices when it is back, as they are by then', async () => {
    const user = await createUser();
    const a = await startProcess({ timeoutMs: 500 });
    const unlock = await lockTable('presence_device');
    const first = a.presence.enter(user, randomUUID());
    a.presence.enter(user, randomUUID());
    await until(() => expect(a.logged.length).toBeGreaterThan(1));
    a.presence.enter(user, randomUUID());
    first();
    await unlock();
    await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 2 }));
    expect(await changes()).toEqual({ 1: 1 });
  });

  it('longer than the leases hold makes nobody reap anybody, though one is back before the other', async () => {
    const [first = '', second = ''] = await createUsers(2);
    const [a, b] = [await startProcess({ leaseMs: 1_500, graceMs: 0 }), await startProcess({ leaseMs: 1_500, graceMs: 0 })];
    a.presence.enter(first, randomUUID());
    b.presence.enter(second, randomUUID());
    await until(async () => expect(await changes()).toEqual({ 1: 2 }));
    // No process of table "away" can renew its lease.
    await database.query('CREATE TABLE away AS SELECT process_id FROM presence_lease');
    await database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM away WHERE process_id = NEW.process_id) THEN RAISE EXCEPTION 'away' USING ERRCODE = 'cannot_connect_now'; END IF;
      RETURN NEW;
    END $$`);
    await database.query('CREATE TRIGGER refuse BEFORE UPDATE ON presence_lease FOR EACH ROW EXECUTE FUNCTION refuse()');
    const held = async (): Promise<string[]> => {
      const rows = await database.query<{ id: string }>('SELECT process_id AS id FROM presence_lease WHERE expires_at > clock_timestamp()');
      return rows.map(({ id }) => id);
    };
    await until(async () => expect(await held()).toEqual([]));
    for (const { processId } of [a, b]) {
      await database.query('DELETE FROM away WHERE process_id = $1', [processId]);
      await until(async () => expect(await held()).toContain(processId));
    }
    expect(await changes()).toEqual({ 1: 2 });
    expect([a, b].map(({ logged }) => logged.filter((line) => /presence|database is unavailable/.test(line)))).toEqual([
      ['the database is unavailable'],
      ['the database is unavailable'],
    ]);
  });

  it('does not keep a process from stopping', async () => {
    const user = await createUser();
    const a = await startProcess({ timeoutMs: 500 });
    a.presence.enter(user, randomUUID());
    await until(async () => expect(await changes()).toEqual({ 1: 1 }));
    await lockTable('presence_lease');
    await a.presence.stop();
    expect(a.logged).toEqual(['the database is unavailable']);
  });
});

describe('a process', () => {
  it('H15: that is killed with 100 users has each OFFLINE exactly once, unless they are elsewhere too', async () => {
    const users = await createUsers(100);
    // Long enough that none of those who live is late with its own, however busy the machine is.
    const leaseMs = 5_000;
    const [a, b] = [await startProcess({ leaseMs, graceMs: 200 }), await startProcess({ leaseMs, graceMs: 200 })];
    const script = fileURLToPath(new URL('presence-process.ts', import.meta.url));
    const args = ['--import', 'tsx', script, database.url, String(leaseMs), '200'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const elsewhere = users.slice(0, 10);
    for (const user of elsewhere) a.presence.enter(user, randomUUID());
    await until(async () => expect(await database.query('SELECT count(*)::int AS count FROM presence_device')).toEqual([{ count: 110 }]));
    expect(await changes()).toEqual({ 1: 100 });

    child.kill('SIGKILL');
    await once(child, 'exit');
    await until(async () => expect(await changes()).toEqual({ 1: 10, 2: 90 }));
    const offline = await database.query<{ id: string }>(`SELECT user_id AS id FROM presence WHERE status = 'OFFLINE'`);
    expect(new Set(offline.map(({ id }) => id))).toEqual(new Set(users.slice(10)));
    // Exactly one of the two has ended the lease, and each user has been told of by one of them.
    expect([...a.logged, ...b.logged]).toEqual(['a process has died; its devices are gone']);
    // They hear of their own commit a moment after everyone can see it.
    await until(() => expect([...a.wakes, ...b.wakes].filter(({ seq }) => seq === 2)).toHaveLength(90));
    expect(await database.query('SELECT * FROM presence_lease')).toHaveLength(2);
  });

  it('that was taken for dead registers again when it has something to write, with all its devices', async () => {
    const users = await createUsers(2);
    const [first = '', second = ''] = users;
    const a = await startProcess();
    a.presence.enter(first, randomUUID());
    await until(async () => expect(await changes()).toEqual({ 1: 1 }));
    const b = await startProcess({ leaseMs: 300, graceMs: 0 });
    await database.query(`UPDATE presence_lease SET expires_at = now() WHERE process_id = $1`, [a.processId]);
    await until(async () => expect(await valueOf(b, first)).toMatchObject({ status: 'OFFLINE', version: 2 }));
    expect(await devicesOf(first)).toEqual({});

    a.presence.enter(second, randomUUID());
    for (const [user, version] of [
      [first, 3],
      [second, 1],
    ] as const) {
      await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 1 }));
      expect(await valueOf(b, user)).toMatchObject({ status: 'ONLINE', version });
    }
    expect(a.logged).toEqual(['this process had lost its presence lease and has registered again']);
  });

  it('that was taken for dead registers again when it renews its lease', async () => {
    const user = await createUser();
    const a = await startProcess({ leaseMs: 300 });
    a.presence.enter(user, randomUUID());
    await until(async () => expect(await changes()).toEqual({ 1: 1 }));
    await database.query('DELETE FROM presence_lease');
    await until(async () => expect(await devicesOf(user)).toEqual({ [a.processId]: 1 }));
    expect(a.logged).toEqual(['this process had lost its presence lease and has registered again']);
  });

  it('that has died takes nobody away who is between two sockets: the grace counts from the later of the two ends, and AWAY outlives it', async () => {
    const user = await createUser();
    const dead = randomUUID();
    await database.query(`INSERT INTO presence_lease (process_id, expires_at) VALUES ($1, now() + interval '1 hour')`, [dead]);
    await database.query(`INSERT INTO presence (user_id, status) VALUES ($1, 'AWAY')`, [user]);
    await database.query(`INSERT INTO presence_device (process_id, user_id, device_ids) VALUES ($1, $2, '{phone}')`, [dead, user]);
    const a = await startProcess({ leaseMs: 300, graceMs: 60_000 });
    const leave = a.presence.enter(user, randomUUID());
    await until(async () => expect(await devicesOf(user)).toEqual({ [dead]: 1, [a.processId]: 1 }));
    leave();
    await until(async () => expect(await devicesOf(user)).toEqual({ [dead]: 1 }));
    expect(await isLeaving(user)).toBe(false);

    // The dead one was last heard of long before the grace.
    await database.query(`UPDATE presence_lease SET expires_at = now() - interval '10 minutes' WHERE process_id = $1`, [dead]);
    await until(async () => expect(await devicesOf(user)).toEqual({}));
    expect(await isLeaving(user)).toBe(true);
    expect(await valueOf(a, user)).toMatchObject({ status: 'AWAY', version: 0 });
    a.presence.enter(user, randomUUID());
    await until(async () => expect(await isLeaving(user)).toBe(false));
    expect(await valueOf(a, user)).toMatchObject({ status: 'AWAY', version: 0 });
  });

  it('that stops gives its devices back; whoever comes back elsewhere within the grace has not been away', async () => {
    const users = await createUsers(3);
    const [staying = '', returning = '', leaving = ''] = users;
    const [a, b] = [await startProcess(), await startProcess()];
    for (const user of users) a.presence.enter(user, randomUUID());
    b.presence.enter(staying, randomUUID());
    await until(async () => expect(await database.query('SELECT * FROM presence_device')).toHaveLength(4));
    await a.presence.stop();
    await a.presence.stop();
    expect(await database.query('SELECT process_id AS id FROM presence_lease')).toEqual([{ id: b.processId }]);
    expect(await Promise.all(users.map(isLeaving))).toEqual([false, true, true]);
    b.presence.enter(returning, randomUUID());
    await until(async () => expect(await isLeaving(returning)).toBe(false));
    expect(await changes()).toEqual({ 1: 3 });

    // What was not finished by then is carried out by whoever starts next.
    await database.query('UPDATE presence SET offline_due = now() WHERE user_id = $1', [leaving]);
    const c = await startProcess();
    expect(await valueOf(c, leaving)).toMatchObject({ status: 'OFFLINE', version: 2 });
    expect(await valueOf(c, returning)).toMatchObject({ status: 'ONLINE', version: 1 });
  });
});

describe('the word of a user', () => {
  const SET = 'mutation ($status: PresenceStatus!) { setPresence(input: { status: $status }) { presence { status } } }';
  let app: TestApp;

  beforeEach(async () => {
    app = await startTestApp({ database });
    started.push(() => app.stop());
    // Every status that is ever written, the same again included.
    await database.query('CREATE TABLE written (n serial, user_id uuid, was presence_status, now presence_status)');
    await database.query(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO written (user_id, was, now) VALUES (NEW.user_id, OLD.status, NEW.status);
      RETURN NULL;
    END $$`);
    await database.query('CREATE TRIGGER note AFTER UPDATE OF status ON presence FOR EACH ROW EXECUTE FUNCTION note()');
  });

  const history = async (userId: string): Promise<string[]> => {
    const rows = await database.query<{ now: string }>('SELECT now FROM written WHERE user_id = $1 ORDER BY n', [userId]);
    return rows.map(({ now }) => now);
  };

  /** The code of the refusal; null when it was accepted. */
  const say = async (user: TestUser, status: string): Promise<unknown> => (await app.code(SET, { status }, user)) ?? null;

  /** What meets the word: makes ready for it, and begins it. Each ends in the user turning OFFLINE, at once or when the grace is over. */
  const meetings: Record<string, (a: TestProcess, userId: string, leave: () => void) => Promise<() => unknown>> = {
    "the last device's leaving": (_a, _userId, leave) => Promise.resolve(leave),
    'the reaping of a dead process': async (a) => {
      await startProcess({ leaseMs: 300 });
      return () => database.query('UPDATE presence_lease SET expires_at = now() WHERE process_id = $1', [a.processId]);
    },
    'the end of the grace': async (_a, userId, leave) => {
      leave();
      await until(async () => expect(await isLeaving(userId)).toBe(true));
      await database.query('UPDATE presence SET offline_due = now() WHERE user_id = $1', [userId]);
      return () => startProcess();
    },
  };

  it.each(
    Object.keys(meetings).flatMap((meeting): [string, string, boolean][] => [
      ['before', meeting, true],
      ['after', meeting, meeting !== 'the end of the grace'],
    ]),
  )('that comes right %s %s leaves one OFFLINE behind; is it taken: %s', async (order, meeting, kept) => {
    const ada = await app.user('ada');
    const userId = parseId(ada.id).id;
    const a = await startProcess();
    const leave = a.presence.enter(userId, randomUUID());
    await until(async () => expect(await valueOf(a, userId)).toMatchObject({ status: 'ONLINE' }));
    const begin = await meetings[meeting]?.(a, userId, leave);
    const unlock = await lock(`SELECT 1 FROM presence WHERE user_id = '${userId}' FOR UPDATE`);
    // Whoever waits first for a row gets it first.
    let answer: Promise<unknown> | undefined;
    let begun: unknown;
    const steps = [() => void (answer = say(ada, 'AWAY')), () => void (begun = begin?.())];
    for (const [index, step] of (order === 'before' ? steps : steps.reverse()).entries()) {
      step();
      await untilWaiting(index + 1);
    }
    await unlock();
    await begun;
    expect(await answer).toBe(kept ? null : 'CONFLICT');

    // The grace of who has left is over.
    await until(async () => expect((await isLeaving(userId)) || (await valueOf(a, userId))?.status === 'OFFLINE').toBe(true));
    await database.query('UPDATE presence SET offline_due = now() WHERE offline_due IS NOT NULL');
    await startProcess();
    const expected = kept ? ['ONLINE', 'AWAY', 'OFFLINE'] : ['ONLINE', 'OFFLINE'];
    expect(await history(userId)).toEqual(expected);
    expect(await valueOf(a, userId)).toMatchObject({ status: 'OFFLINE', lastSeenAt: expect.any(Date) as Date, version: expected.length });
    expect(await say(ada, 'AWAY')).toBe('CONFLICT');
    expect(await history(userId)).toEqual(expected);
  });

  it('at random, while devices come and go and processes are taken for dead, is never lost nor outlives them, without a deadlock', async () => {
    const users = await Promise.all(['ada', 'bob', 'cleo', 'dan'].map((name) => app.user(name)));
    const processes = await Promise.all([1, 2].map(() => startProcess({ leaseMs: 150, graceMs: 1 })));
    const entered: (() => void)[] = [];
    const answers = new Set<unknown>();
    const pick = ({ length }: readonly unknown[]): number => Math.floor(Math.random() * length);
    // In every moment each status written is one version, and whoever has a device is here.
    const untrue = `
      SELECT user_id, status, last_seq FROM presence LEFT JOIN head ON topic = 'presence' AND key = user_id::text
      WHERE coalesce(last_seq, 0) <> (SELECT count(*) FROM written WHERE written.user_id = presence.user_id)
        OR EXISTS (SELECT FROM presence_device d WHERE d.user_id = presence.user_id) <> (status <> 'OFFLINE' AND offline_due IS NULL)`;
    for (let round = 0; round < 80; round += 1) {
      for (const { presence } of processes) {
        for (const { id } of users) if (Math.random() < 0.3) entered.push(presence.enter(parseId(id).id, randomUUID()));
      }
      while (entered.length > 3) entered.splice(pick(entered), 1)[0]?.();
      const words = users.map((user) => say(user, Math.random() < 0.5 ? 'AWAY' : 'ONLINE'));
      expect(await database.query(untrue)).toEqual([]);
      for (const answer of await Promise.all(words)) answers.add(answer);
      if (round % 20 === 19) {
        await database.query('UPDATE presence_lease SET expires_at = now() WHERE process_id = $1', [processes[pick(processes)]?.processId]);
      }
    }
    for (const leave of entered) leave();
    await until(async () => {
      expect(await database.query(`SELECT * FROM presence WHERE status <> 'OFFLINE'`)).toEqual([]);
    });
    expect(await database.query(untrue)).toEqual([]);
    expect(answers).toEqual(new Set([null, 'CONFLICT']));
    expect(await database.query(`SELECT * FROM written WHERE was = now OR (was = 'OFFLINE' AND now <> 'ONLINE')`)).toEqual([]);
    const away = `SELECT was FROM written WHERE was = 'AWAY' GROUP BY was, now`;
    expect(await database.query(away)).toHaveLength(2);
    await Promise.all([app, ...processes].map(({ stop }) => stop()));
    expect(await deadlocks()).toBe(0);
  });
});
