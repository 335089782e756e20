import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { soonDelayOf } from '../../src/client/backoff.js';
import { createListenedTime } from '../../src/server/websocket/listened-time.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { askRaw, openRaw } from '../kit/raw-http.js';

/** Holds the event loop, of the server and of its peers alike. */
const block = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

describe('time in which the server has listened', () => {
  it('is the only time that counts: whoever is waited for is not due by a blocked loop', async () => {
    const time = createListenedTime();
    let due = false;
    const ended = new Promise<void>((resolve) => {
      time.waits(400).begin({
        onDue: () => {
          due = true;
          resolve();
        },
      });
    });
    block(1_000);
    // The timers that have become due, and what follows them at once.
    await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(due).toBe(false);
    await ended;
    time.stop();
  });

  it('makes those due who were not ended, in the order in which they began', async () => {
    const time = createListenedTime();
    const waits = time.waits(60);
    const due: string[] = [];
    await new Promise<void>((resolve) => {
      const awaited = ['a', 'b', 'c', 'd'].map((name) => ({
        onDue: () => {
          due.push(name);
          if (name === 'b') resolve();
        },
      }));
      for (const each of awaited) waits.begin(each);
      // Ended, and begun anew behind the others.
      if (awaited[0]) waits.end(awaited[0]);
      if (awaited[1]) waits.begin(awaited[1]);
    });
    expect(due).toEqual(['c', 'd', 'b']);
    time.stop();
  });
});

describe('how long ago so much of that time began', () => {
  it('is as long as the clock says, and longer by each time in which the loop was blocked', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let clock = 0;
    const time = createListenedTime(() => clock);
    /** Ticks come as they should. */
    const listen = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 25) {
        clock += 25;
        vi.advanceTimersByTime(25);
      }
    };
    /** The one tick that comes after a block, of which 50 ms count. */
    const blocked = (ms: number): void => {
      clock += ms;
      vi.advanceTimersByTime(25);
    };
    try {
      listen(1_000);
      expect(time.spanOf(400)).toBe(400);
      blocked(3_050);
      expect(time.spanOf(400)).toBe(3_400);
      listen(200);
      blocked(1_050);
      expect(time.spanOf(400)).toBe(4_400);
      listen(500);
      expect(time.spanOf(400)).toBe(400);
      expect(time.spanOf(600)).toBe(1_600);
      // The block that is not over yet: whoever asks comes before the tick.
      clock += 2_050;
      expect(time.spanOf(400)).toBe(2_400);
    } finally {
      time.stop();
      vi.useRealTimers();
    }
  });
});

describe('a server that could not listen', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { PING_INTERVAL_MS: '300' } });
  });
  afterAll(() => app.stop());
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    await once(socket, 'open');
    return socket;
  };

  it('does not close a peer for the connection_init that came meanwhile', async () => {
    const socket = await open();
    const answer = Promise.race([
      once(socket, 'message').then(([data]) => (JSON.parse(String(data)) as { type: string }).type),
      once(socket, 'close').then(([code]) => code as number),
    ]);
    block(3_500);
    socket.send('{"type":"connection_init"}');
    expect(await answer).toBe('connection_ack');
    socket.close();
  });

  it('does not cut a peer for the pong that came meanwhile', async () => {
    const socket = await open();
    socket.send('{"type":"connection_init"}');
    let pings = 0;
    const answered = new Promise<string>((resolve) => {
      socket.on('close', () => resolve('closed'));
      socket.on('ping', () => {
        pings += 1;
        // The pong is on its way by now.
        block(700);
        if (pings === 3) resolve('open');
      });
    });
    expect(await answered).toBe('open');
    socket.close();
  });
});

describe('a request that comes in pieces', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({
      env: { HTTP_HEADERS_TIMEOUT_MS: '400', HTTP_REQUEST_TIMEOUT_MS: '400', HTTP_CHECK_INTERVAL_MS: '20' },
    });
  });
  afterAll(() => app.stop());
  const body = '{"query":"{ __typename }"}';
  const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;

  it.each([
    { last: 'its headers', first: head, rest: `\r\n${body}` },
    { last: 'its body', first: `${head}\r\n{"query"`, rest: body.slice('{"query"'.length) },
  ])('is not refused where $last came while the server could not listen', async ({ first, rest }) => {
    const connection = await openRaw(app.url);
    connection.send(first);
    // The server has read it: another connection, which came after it, was answered.
    expect((await askRaw(app.url, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).status).toBe(200);
    connection.send(rest);
    block(1_500);
    expect((await connection.response()).status).toBe(200);
    connection.socket.destroy();
  });

  it('is refused as ever where nothing more comes, once the server has listened for so long', async () => {
    const connection = await openRaw(app.url);
    connection.send(head);
    block(1_000);
    expect((await connection.response()).status).toBe(408);
    await connection.closed;
  });
});

describe('a client whose server restarts', () => {
  it('tries five times within less than a second each, whatever its backoff, and then less often', () => {
    for (const backoff of [
      { firstMs: 250, maxMs: 30_000 },
      { firstMs: 5_000, maxMs: 60_000 },
      { firstMs: 1, maxMs: 2 },
    ]) {
      for (let failures = 0; failures < 5; failures += 1) expect(soonDelayOf(backoff, failures)).toBeLessThan(1_000);
      expect(soonDelayOf(backoff, 30)).toBeLessThanOrEqual(backoff.maxMs);
      expect(soonDelayOf(backoff, 30)).toBeGreaterThanOrEqual(backoff.maxMs / 2);
    }
  });
});
