import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_STREAM_FRAMING } from '../../src/server/websocket/framing.js';
import { createSendBudget } from '../../src/server/websocket/send-budget.js';
import { createCollector, createSendQueue, createSlot } from '../../src/server/websocket/send-queue.js';
import { createWriteBuffers } from '../../src/server/websocket/write-buffers.js';
import { like, unlike } from '../kit/acts.js';
import type { TestApp } from '../kit/app.js';
import { openEventStream } from '../kit/event-stream.js';
import { aPost } from '../kit/factories.js';
import { busOf, createWorld, Messages, openRaw, type MessageEvent, type World } from './hazard-world.js';

/** One who follows a subscription over some transport and can stop reading. */
interface Reader {
  /** What came, in order: results as JSON has them, with the cursors of events. */
  readonly results: () => readonly Result[];
  /** The code that the subscription ended with; undefined while it goes on. */
  readonly code: () => string | undefined;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly leave: () => void;
  /** How the connection came to its end. */
  readonly closed: Promise<'ended' | 'cut'>;
}

interface Result {
  readonly data?: object | null;
  readonly errors?: readonly Coded[];
  readonly extensions?: { readonly cursor?: string };
}
interface Coded {
  readonly extensions?: { readonly code?: string };
}

type Open = (app: TestApp, world: World, query: string, variables: object) => Promise<Reader>;

const overSocket: Open = async (app, { ada }, query, variables) => {
  const { socket, send, received, closed } = await openRaw(app, ada);
  send({ id: 's', type: 'subscribe', payload: { query, variables } });
  return {
    results: () => received.flatMap(({ type, payload }) => (type === 'next' ? [payload as Result] : [])),
    code: () => received.find(({ type }) => type === 'error')?.payload?.[0]?.extensions?.code,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    leave: () => socket.terminate(),
    closed: closed.then((code) => (code === 1006 ? 'cut' : 'ended')),
  };
};

/** Where it goes on is told as a browser tells it. */
const overEvents: Open = async (app, { ada }, query, { after, ...variables }: { after?: string }) => {
  const stream = await openEventStream(app, ada, { query, variables, ...(after === undefined ? {} : { lastEventId: after }) });
  const all = (): Result[] => stream.events.flatMap(({ event, data }) => (event === 'next' ? [JSON.parse(data) as Result] : []));
  return {
    results: () => all().filter(({ errors }) => errors === undefined),
    code: () => all().find(({ errors }) => errors !== undefined)?.errors?.[0]?.extensions?.code,
    pause: stream.pause,
    resume: stream.resume,
    leave: stream.leave,
    closed: stream.closed,
  };
};

const BATCH = 100;
const BODY = 4_000;
const NOTHING = { streams: 0, groups: 0, subscribers: 0 };
const numbersOf = (reader: Reader): number[] =>
  reader.results().map(({ data }) => Number.parseInt((data as MessageEvent).messageAdded.message.body, 10));
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe.each([
  ['a socket', overSocket],
  ['a stream of server-sent events', overEvents],
] as const)('%s whose reader stops reading', (_transport, open) => {
  let world: World;
  let app: TestApp;
  let sent = 0;
  const readers: Reader[] = [];
  beforeAll(async () => {
    world = await createWorld({ apps: 1, env: { SOCKET_STALL_MS: '600000', STATE_MIN_INTERVAL_MS: '0' } });
    [app] = world.apps;
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.leave();
    for (const each of world.apps) await expect.poll(() => each.services.hub.stats()).toEqual(NOTHING);
  });
  afterAll(() => world.stop());

  const read = async (on: TestApp, query: string, variables: object, how: Open = open): Promise<Reader> => {
    const reader = await how(on, world, query, variables);
    readers.push(reader);
    return reader;
  };
  const follow = (on: TestApp, after: string, how: Open = open): Promise<Reader> =>
    read(on, Messages.toString(), { id: world.room, after }, how);
  /** Sends some messages, and waits until one who reads has all of them from the first on. */
  const send = async (to: Reader, first: number): Promise<void> => {
    const seq = await world.insert(sent, BATCH, BODY);
    sent += BATCH;
    for (const each of world.apps) busOf(each).wake({ topic: 'conversation', key: world.key, seq });
    await expect.poll(() => numbersOf(to).length).toBe(sent - first);
  };
  /** One who reads and one who has stopped, of an app; both have had a few messages. */
  const stall = async (on: TestApp) => {
    const [after, first] = [await world.cursor(), sent];
    const [stalled, other] = [await follow(on, after), await follow(on, after, overSocket)];
    await send(other, first);
    await expect.poll(() => numbersOf(stalled).length).toBe(BATCH);
    stalled.pause();
    return { stalled, other, first };
  };

  it('ends with SLOW_CONSUMER, and after resuming has all of it, once and in order; the others go on', async () => {
    const { stalled, other, first } = await stall(app);
    const { subscribers } = app.services.hub.stats();
    while (app.services.hub.stats().subscribers === subscribers) await send(other, first);
    stalled.resume();
    await expect.poll(() => stalled.code()).toBe('SLOW_CONSUMER');
    const had = numbersOf(stalled);
    expect(had).toEqual(numbers(first, first + had.length));
    expect(had.length).toBeLessThan(sent - first);

    const resumed = await follow(app, stalled.results().at(-1)?.extensions?.cursor ?? '');
    await expect.poll(() => had.length + numbersOf(resumed).length).toBe(sent - first);
    expect([...had, ...numbersOf(resumed)]).toEqual(numbers(first, sent));
    expect(numbersOf(other)).toEqual(numbers(first, sent));
  });

  it('is cut when it takes nothing for SOCKET_STALL_MS, and all it had is let go of', async () => {
    const impatient = await world.addApp({ SOCKET_STALL_MS: '1000', MAX_SOCKETS_PER_ADDRESS: '2' });
    const { stalled, other, first } = await stall(impatient);
    const { subscribers } = impatient.services.hub.stats();
    while (impatient.services.hub.stats().subscribers === subscribers) await send(other, first);
    // There is no place for a third one until the connection is gone.
    const knock = (): Promise<string> =>
      openEventStream(impatient, world.ada, { query: Messages.toString(), variables: { id: world.room } }).then(
        (stream) => {
          stream.leave();
          return 'let in';
        },
        () => 'refused',
      );
    await expect.poll(knock).toBe('let in');
    stalled.resume();
    expect(await stalled.closed).toBe('cut');
  });

  it('is shown the last value of a state in the end, and never an old one after a newer', async () => {
    const { id } = await aPost(app, world.ada, { body: 'x'.repeat(1_000) });
    const fields = numbers(0, 300).map((n) => `a${n}: body`);
    const query = `subscription ($id: ID!) { likeCountChanged(postId: $id) { version post { ${fields.join(' ')} } } }`;
    const versionsOf = (reader: Reader): number[] =>
      reader.results().map(({ data }) => (data as { likeCountChanged: { version: number } }).likeCountChanged.version);
    const [stalled, other] = [await read(app, query, { id }), await read(app, query, { id }, overSocket)];
    for (const reader of [stalled, other]) await expect.poll(() => versionsOf(reader)).toEqual([0]);
    stalled.pause();
    const CHANGES = 60;
    for (let version = 1; version <= CHANGES; version += 1) {
      await (version % 2 === 1 ? like : unlike)(app, world.ben, id);
      await expect.poll(() => versionsOf(other).at(-1)).toBe(version);
    }
    stalled.resume();
    await expect.poll(() => versionsOf(stalled).at(-1)).toBe(CHANGES);
    const versions = versionsOf(stalled);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions.length).toBeLessThan(CHANGES);
    expect(stalled.code()).toBeUndefined();
  });
});

describe('the queue of an event stream', () => {
  it('holds no more than its setting, what was written and not taken included', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const request = get({ port: (server.address() as AddressInfo).port, agent: false }, (response) => response.pause());
    request.on('error', () => undefined);
    const [, stream] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    const budget = createSendBudget({ maxTotalBytes: Infinity, maxBytesPerAddress: Infinity });
    const sizes = { maxFrames: 100_000, maxBytes: 1_000_000, stallMs: 600_000 };
    const peer = { stream, framing: EVENT_STREAM_FRAMING, onStall: () => undefined, budget, address: '127.0.0.1' };
    const queue = createSendQueue({ ...peer, ...sizes, collector: createCollector(0), buffers: createWriteBuffers() });
    let overflows = 0;
    const slot = createSlot('', 'log', () => (overflows += 1));
    const result = Buffer.alloc(10_000, 'x');
    for (let most = 0; overflows === 0; most = Math.max(most, budget.held())) {
      queue.next(slot, [result]);
      expect(most).toBeLessThanOrEqual(sizes.maxBytes + 2 * result.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(queue.isBlocked()).toBe(true);
    queue.close();
    request.destroy();
    server.closeAllConnections();
    server.close();
  });
});
