import { createClient } from 'graphql-sse';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import { questions } from '../kit/extra-fields.js';
import { setRole } from '../../src/domains/admin/roles.js';
import { coded, type ErrorCode } from '../../src/errors.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aMessage, aRoom } from '../kit/factories.js';

const QUESTIONED = `subscription ($id: ID!) { messageAdded: questionedMessageAdded(conversationId: $id) { message { body } } }`;

/** What a stranger may be told when they come, or a member for a while. */
const failureOf = (what: ErrorCode | 'uncoded'): Error => (what === 'uncoded' ? new Error('nobody thought of this') : coded(what, 'no'));

describe('rights that are asked again', () => {
  let app: TestApp;
  let ada: TestUser;
  const lines: Record<string, unknown>[] = [];
  beforeAll(async () => {
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    app = await startTestApp({ log });
    ada = await app.user('ada');
  });
  afterAll(() => app.stop());

  const newRoom = async (): Promise<string> => (await aRoom(app, ada)).id;
  const change = (): Promise<unknown> => setRole(app.services.db, 'ada', 'MEMBER');
  /** Rules that let in whoever comes and then say what they are told to. */
  const question = (room: string, answer: () => Promise<void>) => {
    const asked = { asked: 0, answer: () => Promise.resolve() };
    questions.set(room, asked);
    return { asked, ask: () => (asked.answer = answer) };
  };

  it.each(['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'] as const)('a refusal, %s, is ACCESS_REVOKED', async (code) => {
    const room = await newRoom();
    const { ask, asked } = question(room, () => Promise.reject(failureOf(code)));
    const socket = app.connect(ada);
    const following = socket.subscribe(QUESTIONED, { id: room });
    await expect.poll(() => asked.asked).toBe(1);
    ask();
    await change();
    expect(await following.ended).toMatchObject([{ extensions: { code: 'ACCESS_REVOKED' } }]);
    await socket.close();
  });

  it.each(['UNAVAILABLE', 'RATE_LIMITED', 'uncoded'] as const)(
    'a failure that says nothing of rights, %s, is tried again, and nothing is missed',
    async (what) => {
      const room = await newRoom();
      let failures = 3;
      const { ask, asked } = question(room, () => ((failures -= 1) >= 0 ? Promise.reject(failureOf(what)) : Promise.resolve()));
      const socket = app.connect(ada);
      const following = socket.subscribe(QUESTIONED, { id: room });
      await expect.poll(() => asked.asked).toBe(1);
      ask();
      await change();
      await expect.poll(() => asked.asked).toBe(5);
      await aMessage(app, ada, room, 'goes on');
      expect(await following.data()).toEqual({ messageAdded: { message: { body: 'goes on' } } });
      await socket.close();
    },
  );

  it('one that lasts is told of once, with its reason, however many subscriptions end by it', async () => {
    const socket = app.connect(ada);
    const rooms = await Promise.all(Array.from({ length: 4 }, newRoom));
    const endings = rooms.map((room) => {
      const { ask, asked } = question(room, () => Promise.reject(failureOf('uncoded')));
      return { ask, asked, following: socket.subscribe(QUESTIONED, { id: room }) };
    });
    await expect.poll(() => endings.every(({ asked }) => asked.asked === 1)).toBe(true);
    for (const { ask } of endings) ask();
    await change();
    for (const { following } of endings) expect(await following.ended).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
    expect(lines.filter(({ condition }) => condition === 'rights')).toMatchObject([{ reason: 'nobody thought of this' }]);
    await socket.close();
  }, 60_000);

  it('one that lasts ends that subscription alone, with UNAVAILABLE, on each transport', async () => {
    const [room, other] = [await newRoom(), await newRoom()];
    const { ask, asked } = question(room, () => Promise.reject(failureOf('uncoded')));
    const { asked: others } = question(other, () => Promise.resolve());
    const socket = app.connect(ada);
    const following = socket.subscribe(QUESTIONED, { id: room });
    const stays = socket.subscribe(QUESTIONED, { id: other });
    const stream = createClient({ url: app.url, retryAttempts: 0, headers: { authorization: `Bearer ${ada.token}` } }).iterate({
      query: QUESTIONED,
      variables: { id: room },
    });
    const next = stream.next();
    await expect.poll(() => asked.asked + others.asked).toBe(3);
    ask();
    await change();
    // What is asked of others does not wait for it.
    await change();
    await expect.poll(() => others.asked).toBe(3);
    expect(await following.ended).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
    expect(await next).toMatchObject({ value: { errors: [{ extensions: { code: 'UNAVAILABLE' } }] } });
    await aMessage(app, ada, other, 'goes on');
    expect(await stays.data()).toEqual({ messageAdded: { message: { body: 'goes on' } } });
    await socket.close();
  }, 60_000);

  it('are one question for all who follow the same, and one look at their sessions, however many devices', async () => {
    const room = await newRoom();
    const { asked } = question(room, () => Promise.resolve());
    const sockets = Array.from({ length: 8 }, () => app.connect(ada));
    for (const socket of sockets) socket.subscribe(QUESTIONED, { id: room });
    await expect.poll(() => asked.asked).toBe(8);
    const statements = await app.countStatements(async () => {
      await change();
      await expect.poll(() => asked.asked).toBe(9);
    });
    expect(statements.filter((sql) => /\bsession\b/.test(sql))).toHaveLength(1);
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('are asked a few at a time, so that the database is left to others', async () => {
    const rooms: string[] = [];
    for (let count = 0; count < 12; count += 1) rooms.push(await newRoom());
    let running = 0;
    let most = 0;
    let done = 0;
    const all = rooms.map((room) =>
      question(room, async () => {
        running += 1;
        most = Math.max(most, running);
        await app.services.db.prisma.$queryRaw`SELECT 1`;
        running -= 1;
        done += 1;
      }),
    );
    const socket = app.connect(ada);
    for (const room of rooms) socket.subscribe(QUESTIONED, { id: room });
    await expect.poll(() => all.every(({ asked }) => asked.asked === 1)).toBe(true);
    for (const { ask } of all) ask();
    await change();
    await expect.poll(() => done).toBe(rooms.length);
    expect(most).toBeLessThanOrEqual(4);
    await socket.close();
  });
});
