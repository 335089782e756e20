import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  createCollector,
  createSendQueue,
  createSlot,
  type Collector,
  type SendQueue,
  type SendQueueOptions,
} from '../../src/server/websocket/send-queue.js';
import { WEBSOCKET_FRAMING } from '../../src/server/websocket/framing.js';
import { createWriteBuffers } from '../../src/server/websocket/write-buffers.js';
import { createSendBudget } from '../../src/server/websocket/send-budget.js';
import { deferred } from '../kit/deferred.js';

const UNBOUNDED = createSendBudget({ maxTotalBytes: Infinity, maxBytesPerAddress: Infinity });

/** A collector whose moment is over when the test says so. */
const createMoment = (): Collector & { readonly pass: () => void; readonly pending: () => number } => {
  let scheduled: (() => void)[] = [];
  return {
    schedule: (flush) => void scheduled.push(flush),
    pass: () => {
      const due = scheduled;
      scheduled = [];
      for (const each of due) each();
    },
    pending: () => scheduled.length,
  };
};

const result = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** More than the kernel keeps for both ends of a connection. */
const filler = result('x'.repeat(24_000_000));
const big = (n: number, bytes: number): Buffer => result({ n, text: 'x'.repeat(bytes) });

describe('the send queue, before a WebSocket', () => {
  let http: Server;
  let sockets: WebSocketServer;
  beforeAll(async () => {
    sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(sockets, 'listening');
    http = sockets as unknown as Server;
  });
  afterAll(() => new Promise<void>((resolve) => sockets.close(() => resolve())));

  interface Pair {
    readonly client: WebSocket;
    readonly server: WebSocket;
    /** The server's end of the connection below. */
    readonly stream: Socket;
    readonly messages: string[];
    readonly chunks: Buffer[];
  }
  const open = async (): Promise<Pair> => {
    const { port } = http.address() as AddressInfo;
    const accepted = new Promise<[WebSocket, Socket]>((resolve) =>
      sockets.once('connection', (socket, request) => resolve([socket, request.socket])),
    );
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    const messages: string[] = [];
    client.on('message', (data: Buffer) => messages.push(data.toString('utf8')));
    const [server, stream] = await accepted;
    if (client.readyState !== client.OPEN) await once(client, 'open');
    return { client, server, stream, messages, chunks: [] };
  };
  const options = (stream: Socket, given: Partial<SendQueueOptions> = {}): SendQueueOptions => ({
    stream,
    collector: createCollector(1),
    buffers: createWriteBuffers(),
    framing: WEBSOCKET_FRAMING,
    maxFrames: 100,
    maxBytes: 1_000_000,
    stallMs: 600_000,
    onStall: () => undefined,
    budget: UNBOUNDED,
    address: '127.0.0.1',
    ...given,
  });

  it("sends frames that a WebSocket client reads, whatever their length, in the order of the calls, between the library's own", async () => {
    const { client, server, stream, messages } = await open();
    const pings: number[] = [];
    client.on('ping', () => pings.push(messages.length));
    const sendQueue = createSendQueue(options(stream));
    const slot = createSlot('id "1" é', 'log', () => undefined);
    const expected: string[] = [];
    const text = (message: string): void => {
      expected.push(message);
      sendQueue.text(message);
    };
    const next = (...bodies: Buffer[]): void => {
      expected.push(...bodies.map((body) => `{"id":"id \\"1\\" é","type":"next","payload":${body.toString('utf8')}}`));
      sendQueue.next(slot, bodies);
    };
    text('{"type":"connection_ack"}');
    // Around each length at which the frame's header changes.
    for (const length of [1, 60, 124, 125, 126, 127, 200, 65_534, 65_535, 65_536, 70_000]) {
      next(result('x'.repeat(length)));
      text('y'.repeat(length));
    }
    next(result(1), result(2), result('ü€😀'));
    sendQueue.flush();
    server.ping();
    text('{"type":"complete"}');
    await expect.poll(() => messages.length).toBe(expected.length);
    expect(messages).toEqual(expected);
    expect(messages.map((message) => (message.startsWith('{"id"') ? (JSON.parse(message) as { type: string }).type : ''))).toContain(
      'next',
    );
    await expect.poll(() => pings).toEqual([expected.length - 1]);
    sendQueue.close();
    client.terminate();
  });
});

describe('the send queue', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  /** What went out so far, one entry a write, each the texts of its frames. */
  let writes: string[][];
  let near: Socket;
  let far: Socket;
  let moment: ReturnType<typeof createMoment>;
  let stalls: number;
  let collected: Buffer[];

  beforeEach(async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    [[near]] = await Promise.all([accepted, once(far, 'connect')]);
    near.on('error', () => undefined);
    far.on('error', () => undefined);
    collected = [];
    far.on('data', (chunk) => collected.push(chunk));
    writes = [];
    const write = near.write.bind(near);
    near.write = (chunk: Buffer) => {
      writes.push(framesOf(chunk));
      return write(chunk);
    };
    moment = createMoment();
    stalls = 0;
    return () => {
      near.destroy();
      far.destroy();
    };
  });

  const create = (given: Partial<SendQueueOptions> = {}): SendQueue =>
    createSendQueue({
      stream: near,
      collector: moment,
      buffers: createWriteBuffers(),
      framing: WEBSOCKET_FRAMING,
      maxFrames: 16,
      maxBytes: 100_000,
      stallMs: 600_000,
      onStall: () => (stalls += 1),
      budget: UNBOUNDED,
      address: '127.0.0.1',
      ...given,
    });
  const log = (id = 'a', onOverflow = (): void => undefined) => createSlot(id, 'log', onOverflow);
  /** Makes the peer stop reading, and writes more than the connection can hold. */
  const block = (sendQueue: SendQueue): void => {
    far.pause();
    sendQueue.next(
      createSlot('filler', 'log', () => expect.unreachable()),
      [filler],
    );
    sendQueue.flush();
    expect(near.writableNeedDrain).toBe(true);
  };
  const received = (): string[] => framesOf(Buffer.concat(collected));
  const payloads = (id: string): unknown[] =>
    received()
      .filter((text) => text.startsWith(`{"id":"${id}"`))
      .map((text) => (JSON.parse(text) as { payload: unknown }).payload);

  it('writes the first of a quiet moment at once, and what follows within the moment in one write', () => {
    const sendQueue = create();
    const slot = log();
    sendQueue.next(slot, [result(1)]);
    expect(writes).toHaveLength(1);
    sendQueue.next(slot, [result(2), result(3)]);
    sendQueue.text('pong');
    sendQueue.next(slot, [result(4)]);
    expect(writes).toHaveLength(1);
    expect(sendQueue.stats().frames).toBe(4);
    moment.pass();
    expect(writes).toHaveLength(2);
    expect(writes[1]).toEqual([next('a', 2), next('a', 3), 'pong', next('a', 4)]);
    // Still within a moment of that write.
    sendQueue.next(slot, [result(5)]);
    expect(writes).toHaveLength(2);
    moment.pass();
    expect(writes[2]).toEqual([next('a', 5)]);
    // Nothing came meanwhile: it is quiet again.
    moment.pass();
    expect(moment.pending()).toBe(0);
    sendQueue.next(slot, [result(6)]);
    expect(writes[3]).toEqual([next('a', 6)]);
    expect(sendQueue.stats()).toEqual({ frames: 0, bytes: 0 });
  });

  it('writes at once what is flushed, so that a close frame may follow it', () => {
    const sendQueue = create();
    sendQueue.text('1');
    sendQueue.text('2');
    expect(writes).toEqual([['1']]);
    sendQueue.flush();
    expect(writes).toEqual([['1'], ['2']]);
    sendQueue.close();
    sendQueue.text('3');
    sendQueue.next(log(), [result(3)]);
    sendQueue.flush();
    moment.pass();
    expect(writes).toHaveLength(2);
  });

  it('forgets what is queued for one subscription, and nothing else', () => {
    const sendQueue = create();
    const [one, other] = [log('one'), log('other')];
    sendQueue.text('first');
    sendQueue.next(one, [result(1), result(2)]);
    sendQueue.next(other, [result(3)]);
    sendQueue.text('text');
    sendQueue.next(one, [result(4)]);
    const before = sendQueue.stats();
    sendQueue.forget(one);
    expect(sendQueue.stats().frames).toBe(before.frames - 3);
    moment.pass();
    expect(writes[1]).toEqual([next('other', 3), 'text']);
    expect(sendQueue.stats()).toEqual({ frames: 0, bytes: 0 });
  });

  /** Resolves when the connection has had its time: from then on the queue takes no more than its cap. */
  const noLongerFresh = (sendQueue: SendQueue): Promise<void> =>
    expect
      .poll(() => {
        let overflowed = false;
        const probe = log('probe', () => (overflowed = true));
        sendQueue.next(
          probe,
          Array.from({ length: 17 }, (_, n) => result(n)),
        );
        sendQueue.forget(probe);
        return overflowed;
      })
      .toBe(true);

  it('H12: with a peer that does not read, its queue stays at the cap, and each policy does what it says', async () => {
    const sendQueue = create();
    block(sendQueue);
    await noLongerFresh(sendQueue);
    let overflows = 0;
    const slow = log('log', () => (overflows += 1));
    const state = createSlot('state', 'state', () => expect.unreachable());
    const otherKey = createSlot('state', 'state', () => expect.unreachable());
    const signal = createSlot('signal', 'signal', () => expect.unreachable());
    const patient = log('patient');
    sendQueue.next(patient, [result('kept')]);
    for (let n = 1; n <= 10_000; n += 1) {
      if (overflows === 0) sendQueue.next(slow, [result(n)]);
      sendQueue.next(state, [result(n)]);
      sendQueue.next(otherKey, [result({ other: n })]);
      sendQueue.next(signal, [result(n)]);
      const { frames, bytes } = sendQueue.stats();
      expect(frames).toBeLessThanOrEqual(16 + 2);
      expect(bytes).toBeLessThanOrEqual(100_000);
    }
    // The log's own results are gone, since they cannot be whole; it was told once.
    expect(overflows).toBe(1);
    sendQueue.text('error for log');
    far.resume();
    await expect.poll(() => received().includes('error for log')).toBe(true);
    expect(payloads('filler')).toHaveLength(1);
    expect(payloads('log')).toEqual([]);
    expect(payloads('patient')).toEqual(['kept']);
    // Of each key the newest.
    expect(payloads('state')).toEqual([10_000, { other: 10_000 }]);
    const signals = payloads('signal') as number[];
    expect(signals.length).toBeLessThan(17);
    expect(signals).toEqual([...signals].sort((a, b) => a - b));
    expect(sendQueue.stats()).toEqual({ frames: 0, bytes: 0 });
    expect(stalls).toBe(0);
  });

  it('is bounded by bytes as by count, what was written and not taken included, also in a burst: the rest is left to be given again', () => {
    for (const [options, bytes, fits] of [
      [{ maxFrames: 1_000 }, 30_000, 2],
      [{ maxFrames: 16 }, 10, 16],
    ] as const) {
      const sendQueue = create(options);
      block(sendQueue);
      const taken = sendQueue.next(
        log('log', () => expect.unreachable()),
        Array.from({ length: 100 }, (_, n) => big(n, bytes)),
      );
      expect(taken).toBe(fits);
      expect(sendQueue.stats().frames).toBe(fits);
      sendQueue.close();
    }
  });

  it('ends nobody who reads for a burst that is larger than the queue: it is given all of it as there is room', async () => {
    const sendQueue = create({ maxFrames: 1_000, maxBytes: 1_048_576 });
    const slot = log('a', () => expect.unreachable());
    block(sendQueue);
    const count = 3_000;
    const results = Array.from({ length: count }, (_, n) => big(n, 1_024));
    let given = sendQueue.next(slot, results);
    expect(given).toBeLessThan(count);
    far.resume();
    while (given < count) {
      await sendQueue.room();
      given += sendQueue.next(slot, results.slice(given), false);
      expect(sendQueue.stats().bytes).toBeLessThanOrEqual(1_048_576);
    }
    await expect
      .poll(() => {
        moment.pass();
        return payloads('a').length;
      })
      .toBe(count);
    expect((payloads('a') as { n: number }[]).map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it('ends one that is owed the rest of a burst when its peer takes nothing at all', async () => {
    const ended = deferred<undefined>();
    const sendQueue = create();
    block(sendQueue);
    sendQueue.next(
      log('a', () => ended.resolve(undefined)),
      Array.from({ length: 100 }, (_, n) => result(n)),
    );
    await ended.promise;
    expect(sendQueue.stats()).toEqual({ frames: 0, bytes: 0 });
    sendQueue.close();
  });

  it('writes much in pieces, so that what a peer has not taken is kept as it is and can be forgotten', async () => {
    const sendQueue = create({ maxFrames: 1_000, maxBytes: 10_000_000 });
    far.pause();
    const slot = log('a', () => expect.unreachable());
    for (let n = 0; !sendQueue.isBlocked(); n += 1) {
      sendQueue.next(slot, [big(n, 10_000)]);
      moment.pass();
    }
    sendQueue.next(
      slot,
      Array.from({ length: 100 }, (_, n) => big(n, 10_000)),
    );
    const kept = sendQueue.stats();
    expect(kept.frames).toBe(100);
    sendQueue.forget(slot);
    expect(sendQueue.stats()).toEqual({ frames: 0, bytes: 0 });
    const other = log('other');
    sendQueue.next(
      other,
      Array.from({ length: 100 }, (_, n) => big(n, 10_000)),
    );
    writes = [];
    far.resume();
    await expect.poll(() => payloads('other').length).toBe(100);
    // 262,144 bytes are 26 of them.
    expect(writes.map((frames) => frames.length)).toEqual([26, 26, 26, 22]);
  });

  it('writes all of it before something else follows, whatever the connection takes', async () => {
    const sendQueue = create();
    block(sendQueue);
    sendQueue.text('last');
    expect(sendQueue.stats().frames).toBe(1);
    sendQueue.flush();
    expect(writes.at(-1)).toEqual(['last']);
    sendQueue.close();
    far.resume();
    await expect.poll(() => received().includes('last')).toBe(true);
  });

  it('takes a burst that is larger than the queue as long as the connection does, and what is larger alone when nothing waits', async () => {
    const sendQueue = create();
    const slot = log('a', () => expect.unreachable());
    sendQueue.next(
      slot,
      Array.from({ length: 100 }, (_, n) => result(n)),
    );
    moment.pass();
    await expect.poll(() => payloads('a')).toHaveLength(100);
    sendQueue.next(slot, [big(1, 150_000)]);
    moment.pass();
    await expect.poll(() => payloads('a')).toHaveLength(101);
    expect(sendQueue.stats().frames).toBe(0);
  });

  it('tells when there is room again, and at once when the socket has gone', async () => {
    const sendQueue = create();
    await sendQueue.room();
    block(sendQueue);
    const slot = log();
    sendQueue.next(
      slot,
      Array.from({ length: 9 }, (_, n) => result(n)),
    );
    let rooms = 0;
    const waiting = Promise.all([sendQueue.room().then(() => (rooms += 1)), sendQueue.room().then(() => (rooms += 1))]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rooms).toBe(0);
    far.resume();
    await waiting;
    expect(sendQueue.stats().frames).toBeLessThanOrEqual(8);

    block(sendQueue);
    sendQueue.next(
      slot,
      Array.from({ length: 9 }, (_, n) => result(n)),
    );
    const forgotten = sendQueue.room();
    sendQueue.forget(slot);
    await forgotten;
    sendQueue.next(
      slot,
      Array.from({ length: 9 }, (_, n) => result(n)),
    );
    const closed = sendQueue.room();
    sendQueue.close();
    await closed;
    await sendQueue.room();
  });

  it('gives up a peer that takes nothing', async () => {
    const stalled = deferred<undefined>();
    const sendQueue = create({ stallMs: 100, onStall: () => stalled.resolve(undefined) });
    block(sendQueue);
    await stalled.promise;
  });

  describe('with a peer that takes little at a time', () => {
    const STALL_MS = 10_000;
    const handleOf = (socket: Socket) => (socket as unknown as { _handle: { readonly writeQueueSize: number } })._handle;
    let sendQueue: SendQueue;
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      sendQueue = create({ stallMs: STALL_MS });
      block(sendQueue);
      return () => {
        sendQueue.close();
        expect(vi.getTimerCount()).toBe(0);
        vi.useRealTimers();
      };
    });

    /** Reads piece by piece until something has moved at the other end; all at once could be all there is, on a machine that has much to do. */
    const take = async (): Promise<void> => {
      const before = handleOf(near).writeQueueSize;
      while (handleOf(near).writeQueueSize === before) {
        far.once('data', () => far.pause());
        far.resume();
        await new Promise(setImmediate);
      }
      far.pause();
    };

    it('keeps it for as long as it takes something', async () => {
      sendQueue.next(log('after'), [result('after')]);
      let looked = 0;
      while (handleOf(near).writeQueueSize > 8_000_000) {
        // All but a moment of what it may take nothing.
        vi.advanceTimersByTime(STALL_MS - 1);
        looked += 1;
        expect(stalls).toBe(0);
        await take();
      }
      // One write, in several times the time: all of it is still one to the stream.
      expect(looked).toBeGreaterThan(2);
      expect(near.writableLength).toBeGreaterThan(20_000_000);
      far.resume();
      await expect.poll(() => payloads('after')).toEqual(['after']);
      expect(payloads('filler')).toHaveLength(1);
      vi.advanceTimersByTime(2 * STALL_MS);
      expect(stalls).toBe(0);
    });

    it('gives it up when it takes nothing more', async () => {
      while (handleOf(near).writeQueueSize > 18_000_000) await take();
      vi.advanceTimersByTime(STALL_MS - 1);
      expect(stalls).toBe(0);
      vi.advanceTimersByTime(STALL_MS);
      expect(stalls).toBeGreaterThan(0);
    });
  });

  it("gives up one that piles up the protocol's own", () => {
    const sendQueue = create();
    far.pause();
    while (stalls === 0) sendQueue.text('x'.repeat(10_000));
    expect(sendQueue.stats().bytes).toBeLessThanOrEqual(2 * 100_000 + 10_100);
  });
});

const next = (id: string, payload: unknown): string => `{"id":"${id}","type":"next","payload":${JSON.stringify(payload)}}`;

/** The texts of unmasked WebSocket frames (RFC 6455, 5.2); the last one may not be all there. */
const framesOf = (bytes: Buffer): string[] => {
  const texts: string[] = [];
  for (let offset = 0; offset + 2 <= bytes.length;) {
    expect(bytes[offset]).toBe(0x81);
    let length = bytes[offset + 1] ?? 0;
    offset += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(offset);
      offset += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(offset));
      offset += 8;
    }
    if (offset + length > bytes.length) break;
    texts.push(bytes.toString('utf8', offset, offset + length));
    offset += length;
  }
  return texts;
};
