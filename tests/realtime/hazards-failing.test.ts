import { afterAll, beforeAll, expect, it } from 'vitest';
import pg from 'pg';
import { pino } from 'pino';
import { startTestApp, type TestApp } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { busOf, createReader, createWorld, Messages, type MessageEvent, type World } from './hazard-world.js';

/** What needs no row of a message. */
const Cursors = graphql(`
  subscription FailingCursors($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      cursor
    }
  }
`);

const CROWD = 12;

let world: World;
let app: TestApp;
let sent = 0;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  world = await createWorld({ apps: 1 });
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  app = await startTestApp({ database: world.database, log, env: { DATA_DIR: world.apps[0].services.config.dataDir } });
});
afterAll(async () => {
  await app.stop();
  await world.stop();
});

/** Commits a message, of which the app hears by a wake. */
const send = async (): Promise<number> => {
  sent += 1;
  const seq = await world.insert(sent, 1);
  busOf(app).wake({ topic: 'conversation', key: world.key, seq });
  return seq;
};
const hide = () => world.database.query('ALTER TABLE message RENAME COLUMN body TO body_elsewhere');
const show = () => world.database.query('ALTER TABLE message RENAME COLUMN body_elsewhere TO body');

it('an event whose row cannot be read for a moment is shown once it can be, to all who follow it', async () => {
  const socket = app.connect(world.ada);
  const subscription = socket.subscribe(Messages, { id: world.room, after: world.start });
  const bare = socket.subscribe(Cursors, { id: world.room, after: world.start });
  await send();
  expect((await subscription.data()).messageAdded.message.body).toBe(String(sent));
  await bare.data();
  const seq = await world.insert(sent + 1, 1);
  sent += 1;
  await hide();
  try {
    busOf(app).wake({ topic: 'conversation', key: world.key, seq });
    // It is here, and what needs no row is shown.
    await bare.data();
  } finally {
    await show();
  }
  expect((await subscription.data()).messageAdded.message.body).toBe(String(sent));
  await socket.close();
});

it(
  'an event that cannot be shown ends those alone who wait for it, before it, with UNAVAILABLE; one line names it',
  { timeout: 60_000 },
  async () => {
    const socket = app.connect(world.ada);
    const [whole, other, bare] = [
      socket.subscribe(Messages, { id: world.room, after: world.start }),
      socket.subscribe<MessageEvent>(Messages.replace('createdAt', 'editedAt'), { id: world.room, after: world.start }),
      socket.subscribe(Cursors, { id: world.room, after: world.start }),
    ] as const;
    const before = (await whole.take(sent)).at(-1)?.messageAdded.cursor;
    await Promise.all([other.take(sent), bare.take(sent)]);
    lines.length = 0;
    const seq = await world.insert(sent + 1, 1);
    sent += 1;
    await hide();
    try {
      busOf(app).wake({ topic: 'conversation', key: world.key, seq });
      await bare.data();
      expect(await whole.ended).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
      expect(await other.ended).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
    } finally {
      await show();
    }
    expect([whole.waiting(), other.waiting()]).toEqual([0, 0]);
    expect(lines.filter(({ seq: place }) => place === seq)).toMatchObject([
      { topic: 'conversation', key: world.key, seq, err: { message: expect.stringContaining('body') as string } },
    ]);

    // The other selection has not been interrupted, and whoever comes back gets what they have not seen.
    await send();
    await bare.data();
    const resumed = app.connect(world.ada).subscribe(Messages, { id: world.room, after: before });
    expect((await resumed.take(2)).map(({ messageAdded }) => messageAdded.message.body)).toEqual([String(sent - 1), String(sent)]);
    await socket.close();
  },
);

it('a log that cannot be read for a moment is read again, without waiting for anything else to happen', async () => {
  const reader = createReader(world.ada, world.room, world.start);
  reader.connect(app);
  await expect.poll(() => reader.bodies.length).toBe(sent);
  const seq = await world.insert(sent + 1, 1);
  sent += 1;
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%event%'`;
  const changing = new pg.Client(world.database.adminUrl);
  await changing.connect();
  try {
    await changing.query('BEGIN; ALTER TABLE event RENAME COLUMN ref TO ref_elsewhere');
    busOf(app).wake({ topic: 'conversation', key: world.key, seq });
    await expect.poll(() => world.database.query(waiting)).not.toEqual([]);
    // Whoever waits reads first what is no longer there, and only then is it put back.
    await changing.query('COMMIT');
    await changing.query('ALTER TABLE event RENAME COLUMN ref_elsewhere TO ref');
  } finally {
    await changing.end();
  }
  await expect.poll(() => reader.bodies.at(-1)).toBe(String(sent));
  expect(reader.ends).toEqual([]);
  reader.drop();
});

it('a column whose type changes while its rows are followed costs nobody an event, and no one who writes notices', async () => {
  const socket = app.connect(world.ada);
  const subscription = socket.subscribe(Messages, { id: world.room, after: world.start });
  await subscription.take(sent);
  const begun = sent;
  /** So many at once that each connection has the statements by name. */
  const crowd = async (): Promise<void> => {
    sent += CROWD;
    await Promise.all(Array.from({ length: CROWD }, () => world.send(app, 'one of many')));
  };
  await crowd();
  for (const type of ['varchar(2000)', 'text', 'varchar(2001)']) {
    await world.database.query(`ALTER TABLE message ALTER COLUMN body TYPE ${type}`);
    // What is read back, and what this process has written.
    await send();
    await crowd();
  }
  await expect.poll(() => subscription.waiting()).toBe(sent - begun);
  expect((await subscription.take(sent - begun)).map(({ messageAdded }) => messageAdded.message.body)).toEqual(
    (await world.history()).slice(begun),
  );
  await socket.close();
});
