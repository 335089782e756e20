import fc from '../kit/cases.js';
import { pino } from 'pino';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isErrorCode } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aDirect, aGroup, aGuest, aMessage, anApiKey, anEntry, aPost, aRoom, aSession } from '../kit/factories.js';
import { openRawSocket } from '../kit/raw-socket.js';
import { operations, type Operation, type Pool } from './fuzz-operations.js';

/*
 * Whatever is sent to a server, on whatever transport: each answer is data or errors with codes, none of them INTERNAL; nobody is shown what is another's, the
 * server logs no fault, and keeps no memory of it. FUZZ_SECONDS says for how long; a failure prints its seed.
 */

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 12);
/** What stands in every text that nobody but its owners may see. */
const CANARY = 'kept-to-themselves';
const AT_ONCE = 6;
/** How much the heap may have grown in the second half, in bytes, where it is long enough that caches are full. */
const MAX_GROWTH = 40_000_000;
const LONG_SECONDS = 120;

let app: TestApp;
let pool: Pool;
let askers: readonly (TestUser | undefined)[];
const faults: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => void faults.push(line) });

beforeAll(async () => {
  const generous = {
    MAX_COST_PER_VIEWER: '1000000000',
    MAX_COST_PER_ADDRESS: '1000000000',
    MAX_QUERY_COMPLEXITY: '100000',
    MAX_QUERY_TOKENS: '100000',
    MAX_QUERY_ALIASES: '10000',
    MAX_EVENT_COMPLEXITY: '100000',
    MAX_QUERY_DEPTH: '30',
  };
  app = await startTestApp({ env: { RATE_LIMIT_FACTOR: '0', ...generous }, log });
  const [ada, ben, carl] = [await app.user('ada'), await app.user('ben'), await app.user('carl')];
  const ids = await secretsOf(ada, ben);
  const [guest, moderator] = [await aGuest(app), await app.userWithRole('mod', 'MODERATOR')];
  const own = await aGroup(app, carl, [moderator]);
  const said = await aMessage(app, carl, own.id, 'Hello @mod');
  const post = await aPost(app, carl);
  ids.push(ada.id, ben.id, carl.id, guest.id, moderator.id, own.id, said.id, post.id, (await aComment(app, moderator, post.id)).id);
  ids.push((await anEntry(app, carl)).id, (await anEntry(app, moderator, { title: 'Of a moderator' })).id);
  const others = await app.data<{ readonly me: { readonly notificationCursor: string } }>('{ me { notificationCursor } }', {}, carl);
  pool = {
    ids,
    cursors: [own.cursor, said.cursor, others.me.notificationCursor, 'x'],
    usernames: ['ada', 'carl', 'mod', 'nobody-of-us', 'ADA'],
  };
  askers = [undefined, carl, guest, moderator, await anApiKey(app, carl, ['READ', 'WRITE_POSTS', 'WRITE_CONVERSATIONS'])];
});
afterAll(() => app.stop());

/** What two people keep to themselves, in every place that has texts. @returns the ids of all of it */
const secretsOf = async (ada: TestUser, ben: TestUser): Promise<string[]> => {
  const group = await aGroup(app, ada, [ben], `Group ${CANARY}`);
  const message = await aMessage(app, ada, group.id, `Message ${CANARY} @ben`);
  const direct = await aDirect(app, ben, ada);
  const answer = await aMessage(app, ben, direct.id, `Direct ${CANARY}`);
  const room = await aRoom(app, ada, { title: `Room ${CANARY}` });
  const entry = await anEntry(app, ada, {
    title: `Entry ${CANARY}`,
    content: CANARY,
    category: undefined,
    tags: [CANARY],
    isPublic: false,
  });
  const key = await anApiKey(app, ada);
  await app.database.query(
    `UPDATE "user" SET email = username || '@${CANARY}.example', email_key = username || '@${CANARY}.example' WHERE username IN ('ada', 'ben')`,
  );
  await app.database.query(`UPDATE api_key SET name = 'Key ${CANARY}'`);
  await app.database.query(
    `UPDATE session SET ip = '${CANARY}', user_agent = '${CANARY}' WHERE user_id IN (SELECT id FROM "user" WHERE username IN ('ada', 'ben'))`,
  );
  const mine = await app.data(
    '{ me { id sessions { id } notifications(first: 5) { nodes { id } } unreadCounts { id } conversations { nodes { id members { nodes { id } } } } } }',
    {},
    ada,
  );
  const found = [...JSON.stringify(mine).matchAll(/"id":"([^"]+)"/g)].map(([, id]) => String(id));
  return [...found, group.id, message.id, direct.id, answer.id, room.id, entry.id, key.keyId];
};

// ---------------------------------------------------------------- what comes back

/** What is wrong with an answer; null where nothing is. */
const wrongIn = (text: string): string | null => {
  if (text.includes(CANARY))
    return `shows what is another's: ${text.slice(Math.max(0, text.indexOf(CANARY) - 300), text.indexOf(CANARY) + 30)}`;
  const codes = [...text.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code);
  if (codes.includes('INTERNAL')) return `is INTERNAL: ${text.slice(0, 500)}`;
  const { errors, data } = JSON.parse(text) as { errors?: readonly { extensions?: { code?: unknown } }[]; data?: unknown };
  if (errors === undefined) return data === undefined ? `is neither data nor errors: ${text.slice(0, 200)}` : null;
  return errors.every(({ extensions }) => isErrorCode(extensions?.code)) ? null : `has an error without a code: ${text.slice(0, 500)}`;
};

type Send = (operation: Operation, asker: TestUser | undefined) => Promise<string | null>;

const headersOf = (asker: TestUser | undefined): Record<string, string> =>
  asker === undefined ? {} : { authorization: `Bearer ${asker.token}` };

const byPost: Send = async ({ query, variables }, asker) => {
  const headers = { 'content-type': 'application/json', accept: 'application/json', ...headersOf(asker) };
  const response = await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const text = await response.text();
  return response.status >= 500 && !text.includes('TIMED_OUT') ? `has the status ${response.status}: ${text.slice(0, 300)}` : wrongIn(text);
};

/** The first events of a stream, as long as it gives some soon. */
const byEventStream: Send = async ({ query, variables, kind }, asker) => {
  const gone = new AbortController();
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream', ...headersOf(asker) };
  const response = await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }), signal: gone.signal });
  if (response.status >= 500) return `has the status ${response.status}: ${(await response.text()).slice(0, 300)}`;
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return wrongIn(await response.text());
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  // A subscription that goes on says nothing: its first comment is enough.
  for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
    text += part.value;
    if (kind === 'subscription') break;
  }
  gone.abort();
  const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => String(data));
  return events.map(wrongIn).find((wrong) => wrong !== null) ?? null;
};

/** What a server may close a socket with for what its client has done. */
const CLOSES: ReadonlySet<number> = new Set([1000, 1002, 1007, 1009, 1013, 4400, 4401, 4403, 4408, 4409, 4429]);

const bySocket =
  (frames: readonly unknown[] = []): Send =>
  async ({ query, variables }, asker) => {
    const { send, next, closed, socket } = await openRawSocket(app.url);
    send({ type: 'connection_init', payload: asker === undefined ? {} : { accessToken: asker.token } });
    send({ id: 'fuzzed', type: 'subscribe', payload: { query, variables } });
    for (const frame of frames) send(frame);
    send({ type: 'ping', payload: { last: true } });
    const end = closed.then(({ code }) => (CLOSES.has(code) ? null : `closes with ${code}`));
    const read = async (): Promise<string | null> => {
      for (;;) {
        const { type, payload } = await next();
        const text = type === 'error' ? JSON.stringify({ errors: payload }) : type === 'next' ? JSON.stringify(payload) : null;
        const wrong = text === null ? null : wrongIn(text);
        if (wrong !== null) return wrong;
        if (type === 'complete' || type === 'error') return null;
        // A subscription that goes on may say nothing.
        if (type === 'pong' && query.startsWith('subscription')) return null;
      }
    };
    const wrong = await Promise.race([end, read()]);
    if (wrong === null) {
      socket.close();
      return await end.then((closing) => (closing === 'closes with 1005' ? null : closing));
    }
    socket.terminate();
    return wrong;
  };

/** Frames that no client would send. */
const FRAME: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.json({ maxDepth: 2 }),
  fc.record({
    id: fc.oneof(fc.constant('fuzzed'), fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 })),
    type: fc.constantFrom('subscribe', 'complete', 'ping', 'pong', 'next', 'error', 'connection_init', 'connection_ack', 'constructor', ''),
    payload: fc.jsonValue({ maxDepth: 2 }),
  }),
);
/** Bodies that are no request. */
const BODY = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .record({
      query: fc.jsonValue({ maxDepth: 1 }),
      variables: fc.jsonValue({ maxDepth: 2 }),
      operationName: fc.jsonValue({ maxDepth: 1 }),
      extensions: fc.jsonValue({ maxDepth: 3 }),
    })
    .map((body) => JSON.stringify(body)),
);
const sendBody = async (body: string | Buffer): Promise<string | null> => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: new Uint8Array(Buffer.from(body)),
  });
  const text = await response.text();
  return response.status >= 500 ? `has the status ${response.status}` : wrongIn(text);
};

// ---------------------------------------------------------------- for so long

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** What never answers is a fault, too. */
const PATIENCE_MS = 20_000;
const inTime = async (answer: Promise<string | null>, asked: string): Promise<string | null> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('does not come'), PATIENCE_MS);
  });
  try {
    const wrong = await Promise.race([answer.catch((error: unknown) => `is ${String(error)}`), late]);
    return wrong === null ? null : `The answer to ${asked} ${wrong}`;
  } finally {
    clearTimeout(timer);
  }
};

/** Signs in again whom an operation has signed out. */
const renewed = async (asker: TestUser | undefined): Promise<TestUser | undefined> => {
  if (asker?.username === undefined || asker.token.startsWith('lyc_') || asker.username.startsWith('guest-')) return asker;
  return (await app.code('{ me { id } }', {}, asker)) === undefined ? asker : await aSession(app, asker);
};

interface Request {
  readonly operation: Operation;
  readonly asker: number;
  readonly frames: readonly unknown[];
  readonly by: number;
}
const aRequest = (): fc.Arbitrary<Request> => {
  const operation = operations(schema, pool);
  const asker = fc.nat({ max: askers.length - 1 });
  return fc.oneof(
    { weight: 12, arbitrary: fc.record({ operation, asker, frames: fc.constant([]), by: fc.constantFrom(0, 1, 2) }) },
    { weight: 2, arbitrary: fc.record({ operation, asker, frames: fc.array(FRAME, { maxLength: 5 }), by: fc.constant(2) }) },
  );
};

/** What is wrong with the answers to what is sent at the same time. */
const wrongOf = async (requests: readonly Request[], bodies: readonly (string | Buffer)[]): Promise<string[]> => {
  const answers = await Promise.all([
    ...requests.map(async ({ operation, asker, frames, by }) => {
      const send = [byPost, byEventStream, bySocket(frames)][by] ?? byPost;
      return await inTime(send(operation, askers[asker]), `${['HTTP', 'SSE', 'socket'][by]} ${JSON.stringify({ operation, frames })}`);
    }),
    ...bodies.map(async (body) => await inTime(sendBody(body), JSON.stringify(body))),
  ]);
  return answers.filter((wrong) => wrong !== null);
};

it('answers whatever is asked with data or a code, and shows nobody what is another’s', { timeout: (SECONDS + 120) * 1_000 }, async () => {
  const began = performance.now();
  let [asked, halfway] = [0, 0];
  const requests = fc.array(aRequest(), { minLength: AT_ONCE, maxLength: AT_ONCE });
  const property = fc.asyncProperty(requests, fc.array(BODY, { maxLength: 2 }), async (sent, bodies) => {
    expect(await wrongOf(sent, bodies)).toEqual([]);
    expect(faults.splice(0)).toEqual([]);
    asked += sent.length + bodies.length;
    if (asked % 600 < AT_ONCE) askers = await Promise.all(askers.map(renewed));
    if (halfway === 0 && performance.now() - began > SECONDS * 500) halfway = heap();
  });
  await fc.assert(property, { numRuns: 1_000_000, interruptAfterTimeLimit: SECONDS * 1_000, endOnFailure: SECONDS < LONG_SECONDS });
  const grown = heap() - halfway;
  process.stdout.write(`${asked} were asked; the heap has grown by ${Math.round(grown / 1_000)} kB since half of them\n`);
  if (SECONDS >= LONG_SECONDS) expect(grown).toBeLessThan(MAX_GROWTH);
  expect(asked).toBeGreaterThan(20);
});
