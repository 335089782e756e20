import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createBans, type Sender } from '../../src/access/bans.js';
import { createCostBudgets } from '../../src/access/cost-budgets.js';
import { createHoldBack, type HoldBack } from '../../src/access/holding.js';
import type { ErrorCode } from '../../src/errors.js';
import { createLog } from '../../src/observability/log.js';
import { COUNTED, startTestApp, type TestApp } from '../kit/app.js';

/** So many refusals of an address are told at once. */
const AT_ONCE = 50;
/** So many that the next one waits for as long as any. */
const FAR_TOO_MANY = 150;
const refuse = (holdBack: HoldBack, count: number, code: ErrorCode = 'BAD_REQUEST'): void => {
  for (let n = 0; n < count; n += 1) void holdBack(from('10.0.0.1'), code);
};
const from = (ip: string): Sender => ({ ip, viewerId: null });
const times = <Value>(count: number, value: (n: number) => Value): Value[] => Array.from({ length: count }, (_, n) => value(n));

/** For what is not about them. */
const NO_BANS = createBans({ factor: 0, log: createLog('silent') });

describe('refusals of one address', () => {
  const NO_COSTS = createCostBudgets({ factor: 0, costPerAddress: 0, costPerViewer: 0, eventCost: 0 }, { spend: null });
  const stopped = () => createHoldBack({ factor: 1, costs: NO_COSTS, bans: NO_BANS }, () => 0);

  it('are told at once when they are few', () => {
    const holdBack = stopped();
    expect(times(AT_ONCE, () => holdBack(from('10.0.0.1'), 'BAD_REQUEST')).every((held) => held === null)).toBe(true);
    expect(holdBack(from('10.0.0.1'), 'BAD_REQUEST')).toBeInstanceOf(Promise);
    expect(holdBack(from('10.0.0.2'), 'BAD_REQUEST')).toBeNull();
  });

  it('are told at once again when some time has passed', () => {
    let now = 0;
    const holdBack = createHoldBack({ factor: 1, costs: NO_COSTS, bans: NO_BANS }, () => now);
    refuse(holdBack, FAR_TOO_MANY);
    now = 2_000;
    expect(times(AT_ONCE, () => holdBack(from('10.0.0.1'), 'BAD_REQUEST')).every((held) => held === null)).toBe(true);
  });

  it('are told one after the other when they are many', async () => {
    const holdBack = stopped();
    refuse(holdBack, AT_ONCE);
    const told: number[] = [];
    const hear = async (n: number): Promise<void> => {
      await holdBack(from('10.0.0.1'), 'BAD_REQUEST');
      told.push(n);
    };
    await Promise.all(times(5, hear));
    expect(told).toEqual([0, 1, 2, 3, 4]);
  });

  it('are not kept for who has gone', async () => {
    const holdBack = stopped();
    refuse(holdBack, AT_ONCE);
    const told: string[] = [];
    const gone = new AbortController();
    const here = holdBack(from('10.0.0.1'), 'BAD_REQUEST')?.then(() => told.push('here'));
    refuse(holdBack, 20);
    const other = holdBack(from('10.0.0.1'), 'BAD_REQUEST', gone.signal)?.then(() => told.push('gone'));
    gone.abort();
    await Promise.all([here, other]);
    expect(told).toEqual(['gone', 'here']);
  });

  it('are paid for, except for being told that nothing is left', () => {
    const costs = createCostBudgets({ factor: 1, costPerAddress: 600, costPerViewer: 600, eventCost: 600 }, { spend: null }, () => 0);
    const holdBack = createHoldBack({ factor: 1, costs, bans: NO_BANS }, () => 0);
    refuse(holdBack, 10, 'RATE_LIMITED');
    expect(() => costs.enter('10.0.0.1')).not.toThrow();
    refuse(holdBack, 3);
    expect(() => costs.enter('10.0.0.1')).toThrow('cost more than is allowed');
  });
});

describe('whoever is refused all the time hears of it after everybody else', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { ...COUNTED, TRUST_PROXY: 'true' } });
  });
  afterAll(() => app.stop());

  /** Fulfilled with whatever says that it was refused. */
  type Ask = (ip: string) => Promise<unknown>;

  const OPERATIONS: Readonly<Record<string, object>> = {
    'no document': { query: '{ posts' },
    'no valid document': { query: '{ nothing }' },
    'no such operation': { query: '{ __typename }', operationName: 'Other' },
    'too many aliases': { query: `{ ${times(600, (n) => `a${n}: __typename`).join(' ')} }` },
    'too dear': { query: '{ posts(first: 100) { nodes { comments(first: 100) { nodes { author { username } } } } } }' },
    'a wrong argument': { query: 'query ($n: Int) { posts(first: $n) { nodes { id } } }', variables: { n: 'five' } },
    'nobody signed in': { query: 'mutation { logout { success } }' },
    'an unknown hash': { documentId: 'a'.repeat(64) },
    'no operation': {},
  };
  const post =
    (accept: string, body: string, headers: object = {}): Ask =>
    async (ip) => {
      const all = { 'content-type': 'application/json', accept, 'x-forwarded-for': ip, ...headers };
      return await (await fetch(app.url, { method: 'POST', headers: all, body })).text();
    };
  const posts = (accept: string): Readonly<Record<string, Ask>> => ({
    ...Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [name, post(accept, JSON.stringify(operation))])),
    'no JSON': post(accept, '{'),
    'a wrong token': post(accept, '{ "query": "{ __typename }" }', { authorization: 'Bearer none' }),
  });
  const gets = (): Readonly<Record<string, Ask>> => {
    const get =
      (search: string): Ask =>
      async (ip) =>
        await (await fetch(`${app.url}?${search}`, { headers: { 'x-forwarded-for': ip } })).text();
    return { 'no document': get('query={'), 'no valid document': get('query={nothing}'), 'wrong parameters': get('query={a}&variables={') };
  };

  const open = (ip: string, path = ''): WebSocket =>
    new WebSocket(app.url.replace(/^http/, 'ws') + path, 'graphql-transport-ws', { headers: { 'x-forwarded-for': ip } });
  const begin = (ip: string, payload: object, onAcknowledged: (socket: WebSocket) => void): WebSocket => {
    const socket = open(ip);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
    socket.once('message', () => onAcknowledged(socket));
    return socket;
  };
  /** Asks so many times on a new socket, until so many are refused. */
  const subscribe =
    (operation: object, count = 1, enough = count): Ask =>
    (ip) =>
      new Promise((resolve) => {
        const socket = begin(ip, {}, () => {
          times(count, (n) => socket.send(JSON.stringify({ type: 'subscribe', id: String(n), payload: operation })));
          let answers = 0;
          socket.on('message', (data: Buffer) => {
            if (data.includes('"complete"')) return;
            answers += 1;
            if (answers < enough) return;
            socket.close();
            resolve(data);
          });
        });
      });
  const closed = (socket: WebSocket): Promise<unknown> =>
    new Promise((resolve) => socket.on('error', () => undefined).once('close', (code) => resolve(code)));
  const sockets = (): Readonly<Record<string, Ask>> => ({
    ...Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [name, subscribe(operation)])),
    'no JSON': (ip) => closed(begin(ip, {}, (socket) => socket.send('{'))),
    'a wrong token': (ip) => closed(begin(ip, { accessToken: 'none' }, () => undefined)),
    'no such path': (ip) => closed(open(ip, '/nowhere')),
  });

  const TRANSPORTS: Readonly<Record<string, () => Readonly<Record<string, Ask>>>> = {
    'a POST': () => posts('application/json'),
    'an event stream': () => posts('text/event-stream'),
    'a GET': gets,
    'a socket': sockets,
  };
  it.each(Object.entries(TRANSPORTS))('over %s', async (name, kinds) => {
    const [one, other] = [`10.1.${name.length}.1`, `10.1.${name.length}.2`];
    const told: string[] = [];
    const asked = (ip: string): Promise<unknown>[] => Object.entries(kinds()).map(([kind, ask]) => ask(ip).then(() => told.push(ip, kind)));
    await subscribe({ query: '{' }, FAR_TOO_MANY, AT_ONCE + 1)(one);
    await Promise.all([...asked(one), ...asked(other)]);
    expect(told.lastIndexOf(other)).toBeLessThan(told.indexOf(one));
  });
});
