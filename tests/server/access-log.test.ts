import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aDirect, LogIn, SendMessage } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { openRaw } from '../kit/raw-http.js';

const LoggedMessages = graphql(`
  subscription LoggedMessages($conversationId: ID!) {
    messageAdded(conversationId: $conversationId) {
      message {
        body
      }
    }
  }
`);

type Line = Readonly<Record<string, unknown>>;

const BODY = 'The otter sleeps at noon';
const lines: string[] = [];
const log = pino({ level: 'silent' }, { write: (line: string) => void lines.push(line) });

let app: TestApp;
let ada: TestUser;
let bob: TestUser;
let conversationId: string;
beforeAll(async () => {
  app = await startTestApp({ env: { ACCESS_LOG: 'true' }, log });
  [ada, bob] = [await app.user('ada'), await app.user('bob')];
  conversationId = (await aDirect(app, ada, bob)).id;
});
afterAll(() => app.stop());

const told = (): Line[] => lines.map((line) => JSON.parse(line) as Line);
/** The line that has all of this. */
const line = async (wanted: Line): Promise<Line> => {
  const find = (): Line | undefined => told().find((each) => Object.entries(wanted).every(([name, value]) => each[name] === value));
  await expect.poll(find, { message: JSON.stringify(wanted) }).toBeDefined();
  return present(find() ?? null);
};
const post = (id: string, query: string, variables: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id, authorization: `Bearer ${ada.token}`, ...headers },
    body: JSON.stringify({ query, variables }),
  });
const send = (body: string): Line => ({ input: { conversationId, body } });

describe('the access log', () => {
  it('has a line for each operation over HTTP, with who asked, what it cost and how it went', async () => {
    await post('by-http', SendMessage.toString(), send(BODY));
    const found = await line({ requestId: 'by-http' });
    const userId = parseId(ada.id).id;
    expect(found).toMatchObject({
      access: 'http',
      method: 'POST',
      path: '/graphql',
      status: 200,
      kind: 'mutation',
      operation: 'SendMessage',
    });
    expect(found).toMatchObject({
      userId,
      ip: '127.0.0.1',
      code: null,
      cost: expect.any(Number) as number,
      ms: expect.any(Number) as number,
    });
  });

  it('has the code of what was refused, before and after its operation is known', async () => {
    await post('wrong-id', SendMessage.toString(), { input: { conversationId: 'none', body: BODY } });
    await post('wrong-token', SendMessage.toString(), send(BODY), { authorization: 'Bearer nonsense' });
    await post('no-document', `query { nothing("${BODY}") }`, {});
    await fetch(`${app.url}?password=${PASSWORD}`, { method: 'PUT', headers: { 'x-request-id': 'by-put' } });
    expect(await line({ requestId: 'wrong-id' })).toMatchObject({ code: 'BAD_USER_INPUT', operation: 'SendMessage' });
    expect(await line({ requestId: 'wrong-token' })).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', userId: null, operation: null });
    expect(await line({ requestId: 'no-document' })).toMatchObject({ code: 'GRAPHQL_PARSE_FAILED' });
    expect(await line({ requestId: 'by-put' })).toMatchObject({ status: 405, code: 'BAD_REQUEST', path: '/graphql' });
  });

  it('has a line for an event stream once it is over', async () => {
    const gone = new AbortController();
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', 'x-request-id': 'by-sse' };
    const body = JSON.stringify({ query: LoggedMessages.toString(), variables: { conversationId } });
    const answer = await fetch(app.url, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${bob.token}` },
      body,
      signal: gone.signal,
    });
    expect(answer.status).toBe(200);
    expect(told().some(({ requestId }) => requestId === 'by-sse')).toBe(false);
    gone.abort();
    const found = await line({ requestId: 'by-sse' });
    expect(found).toMatchObject({ access: 'sse', status: 200, kind: 'subscription', operation: 'LoggedMessages', code: null });
  });

  it('has a line for each operation of a socket, and for the socket', async () => {
    const socket = app.connect(bob);
    const subscription = socket.subscribe(LoggedMessages, { conversationId });
    expect((await socket.execute(SendMessage, { input: { conversationId, body: BODY } })).errors).toBeUndefined();
    await socket.subscribe(`query Broken { ${BODY} }`).ended;
    expect((await socket.execute(SendMessage, { input: { conversationId: 'none', body: BODY } })).errors).toBeDefined();
    await subscription.next();
    subscription.stop();
    expect(await line({ access: 'websocket', kind: 'mutation', code: null })).toMatchObject({ operation: 'SendMessage' });
    await line({ access: 'websocket', code: 'GRAPHQL_VALIDATION_FAILED' });
    await line({ access: 'websocket', code: 'BAD_USER_INPUT', operation: 'SendMessage' });
    const ended = await line({ access: 'websocket', kind: 'subscription' });
    await socket.close();
    expect(await line({ kind: 'socket', requestId: ended['requestId'] })).toMatchObject({
      status: 101,
      closedWith: 1000,
      userId: ended['userId'],
    });
  });

  it('has a handshake that was refused', async () => {
    const raw = await openRaw(app.url);
    raw.send(`GET /elsewhere?accessToken=${ada.token} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n`);
    raw.send('sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\nx-request-id: refused\r\n\r\n');
    expect((await raw.response()).status).toBe(404);
    expect(await line({ requestId: 'refused' })).toMatchObject({ access: 'websocket', kind: 'socket', status: 404, userId: null });
  });

  it('has lines of a bounded length', async () => {
    await post('long', `query ${'A'.repeat(5_000)} { me { id } }`, {});
    await fetch(new URL(`/${'x'.repeat(5_000)}`, app.url), { headers: { 'x-request-id': 'far' } });
    expect(String((await line({ requestId: 'long' }))['operation']).length).toBe(200);
    expect(String((await line({ requestId: 'far' }))['path']).length).toBe(200);
  });

  it('has no token, no password and no text of anybody, whatever way they came', async () => {
    const secrets = [ada.token, bob.token, ada.refreshToken, PASSWORD, BODY];
    await post('inline', `mutation { login(input: { identifier: "ada", password: "${PASSWORD}" }) { user { id } } }`, {});
    await post('variables', LogIn.toString(), { identifier: 'ada', password: PASSWORD });
    const search = new URLSearchParams({
      query: `{ markdownPreview(text: "${BODY}") { html } }`,
      accessToken: ada.token,
      password: PASSWORD,
    });
    await fetch(`${app.url}?${search.toString()}`, { headers: { 'x-request-id': 'by-get', accept: 'text/event-stream' } });
    await fetch(`${new URL('/reset', app.url).href}?token=${ada.refreshToken}`, { headers: { 'x-request-id': 'by-page' } });
    const socket = app.connect(ada, { password: PASSWORD });
    await socket.execute(LogIn, { identifier: 'bob', password: PASSWORD });
    await socket.close();
    for (const requestId of ['inline', 'variables', 'by-get', 'by-page']) await line({ requestId });
    await line({ access: 'websocket', operation: 'LogIn' });
    for (const secret of secrets)
      expect(lines.filter((each) => each.includes(secret) || each.includes(encodeURIComponent(secret)))).toEqual([]);
  });
});

it('is off unless it is switched on', async () => {
  const written: string[] = [];
  const quiet = await startTestApp({ log: pino({ level: 'info' }, { write: (each: string) => void written.push(each) }) });
  try {
    await quiet.user('carol');
    const socket = quiet.connect();
    await socket.execute('{ __typename }');
    await socket.close();
  } finally {
    await quiet.stop();
  }
  expect(written.filter((each) => each.includes('"access"'))).toEqual([]);
});
