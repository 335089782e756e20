import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receive, type Reception } from '../../src/server/http/reception.js';

const MANY = 200;
/** What each request takes of the event loop, in milliseconds. */
const WORK_MS = 3;
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const work = (): void => {
  for (const end = performance.now() + WORK_MS; performance.now() < end;);
};

describe('connections that come at once', () => {
  let server: Server;
  let reception: Reception;
  let clients: Socket[];
  let accepted: number[];
  let served: number[];
  /** How many had been served when the last one was accepted. */
  let servedBefore: number;
  beforeEach(async () => {
    [clients, accepted, served] = [[], [], []];
    server = createServer();
    reception = receive(server);
    server.on('connection', ({ remotePort = 0 }) => {
      accepted.push(remotePort);
      servedBefore = served.length;
    });
    server.on('request', (request, response) => {
      work();
      served.push(request.socket.remotePort ?? 0);
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    for (const client of clients) client.destroy();
    reception.clear();
    server.closeAllConnections();
    server.close();
  });

  const come = (): void => {
    for (let n = 0; n < MANY; n += 1) {
      const client = connect(portOf(server), '127.0.0.1', () => client.write(REQUEST));
      client.on('error', () => undefined);
      clients.push(client.resume());
    }
  };
  const left = (): Promise<unknown> => Promise.all(clients.map((client) => new Promise((resolve) => client.once('close', resolve))));

  it('are accepted before most of them are served', async () => {
    come();
    await left();
    expect(accepted.length).toBe(MANY);
    expect(servedBefore).toBeLessThan(MANY / 2);
  });

  it('are all served, in the order in which they came', async () => {
    come();
    await left();
    expect(served).toEqual(accepted);
    expect(reception.waiting()).toBe(0);
  });

  it('do not wait when they come one by one', async () => {
    for (let n = 0; n < 20; n += 1) {
      let waiting = 0;
      server.once('connection', () => (waiting = reception.waiting()));
      const [response] = (await once(get({ port: portOf(server), agent: false }), 'response')) as [NodeJS.ReadableStream];
      await once(response.resume(), 'end');
      expect(waiting).toBe(0);
    }
  });

  it('are cut when the server stops while they wait', async () => {
    const stopped = once(server, 'close');
    server.on('connection', () => {
      if (accepted.length !== MANY / 2) return;
      expect(reception.waiting()).toBeGreaterThan(0);
      server.close();
      reception.clear();
      server.closeAllConnections();
    });
    come();
    const closed = left();
    await stopped;
    await closed;
    expect(served.length).toBeLessThan(MANY);
  });
});
