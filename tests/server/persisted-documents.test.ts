import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTED, startTestApp, type TestApp } from '../kit/app.js';
import { openRawSocket } from '../kit/raw-socket.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
let texts = 0;
/** A document that no other test has, and its hash. */
const fresh = (text = '{ __typename }'): { readonly query: string; readonly hash: string } => {
  const query = `# ${(texts += 1)}\n${text}`;
  return { query, hash: sha256(query) };
};
const apq = (hash: string): object => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hash } } });

interface Answer {
  readonly status: number;
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}
type Ask = (url: string, operation: object, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

const byPost: Ask = async (url, operation, headers = {}) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
    body: JSON.stringify(operation),
  });
  return { status: response.status, ...((await response.json()) as object) };
};
const byGet: Ask = async (url, operation, headers = {}) => {
  const parameters = new URLSearchParams(
    Object.entries(operation).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  const response = await fetch(`${url}?${parameters.toString()}`, { headers: { accept: 'application/graphql-response+json', ...headers } });
  return { status: response.status, ...((await response.json()) as object) };
};
const bySocket: Ask = async (url, operation) => {
  const raw = await openRawSocket(url);
  raw.send({ type: 'connection_init' });
  await raw.next();
  raw.send({ type: 'subscribe', id: '1', payload: operation });
  const { type, payload } = await raw.next();
  raw.socket.close();
  return { status: 200, ...(type === 'error' ? { errors: payload as Answer['errors'] & object } : (payload as object)) };
};
const WAYS: Readonly<Record<string, Ask>> = { POST: byPost, GET: byGet, WebSocket: bySocket };

const codeOf = ({ errors }: Answer): string | undefined => errors?.[0]?.extensions.code;
const DATA = { data: { __typename: 'Query' } };

describe('a document that came once with its hash', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ env: { ...COUNTED, TRUST_PROXY: 'true' } });
  });
  afterAll(() => app.stop());

  for (const [way, ask] of Object.entries(WAYS)) {
    it(`is known by the hash alone on every transport, when it came by ${way}`, async () => {
      const { query, hash } = fresh();
      expect(codeOf(await ask(app.url, apq(hash)))).toBe('PERSISTED_QUERY_NOT_FOUND');
      expect(await ask(app.url, { query, ...apq(hash) })).toMatchObject(DATA);
      for (const other of Object.values(WAYS)) {
        expect(await other(app.url, apq(hash))).toMatchObject(DATA);
        expect(await other(app.url, { documentId: `sha256:${hash}` })).toMatchObject(DATA);
      }
    });

    it(`must be the one that the hash names, by ${way}`, async () => {
      const [one, other] = [fresh(), fresh()];
      const answer = await ask(app.url, { query: one.query, ...apq(other.hash) });
      expect(codeOf(answer)).toBe('BAD_REQUEST');
      if (way !== 'WebSocket') expect(answer.status).toBe(400);
      expect(codeOf(await ask(app.url, apq(other.hash)))).toBe('PERSISTED_QUERY_NOT_FOUND');
    });
  }

  it('is known on a socket beside an empty query too, as graphql-ws documents it', async () => {
    const { query, hash } = fresh();
    await byPost(app.url, { query, ...apq(hash) });
    expect(await bySocket(app.url, { query: '', ...apq(hash) })).toMatchObject(DATA);
  });

  it('is executed with the variables and the name that come with the hash', async () => {
    const { query, hash } = fresh('query A($yes: Boolean!) { a: __typename @include(if: $yes) } query B { b: __typename }');
    await byPost(app.url, { query, operationName: 'B', ...apq(hash) });
    expect(await byPost(app.url, { operationName: 'A', variables: { yes: true }, ...apq(hash) })).toMatchObject({ data: { a: 'Query' } });
    expect(codeOf(await byPost(app.url, { operationName: 'A', ...apq(hash) }))).toBe('BAD_USER_INPUT');
  });

  it('is not kept when it cannot be executed', async () => {
    for (const text of [
      '{ nothingOfThisName }',
      '{ __typename',
      `{ ${Array.from({ length: 200 }, (_, n) => `a${n}: posts(first: 100) { nodes { id } }`).join(' ')} }`,
    ]) {
      const { query, hash } = fresh(text);
      expect(codeOf(await byPost(app.url, { query, ...apq(hash) }))).not.toBe(undefined);
      expect(codeOf(await byPost(app.url, apq(hash)))).toBe('PERSISTED_QUERY_NOT_FOUND');
    }
  });

  it('is not kept when it is very long', async () => {
    const { query, hash } = fresh(`{ __typename } # ${'x'.repeat(40_000)}`);
    expect(await byPost(app.url, { query, ...apq(hash) })).toMatchObject(DATA);
    expect(codeOf(await byPost(app.url, apq(hash)))).toBe('PERSISTED_QUERY_NOT_FOUND');
  });

  it('is executed but not kept when its address has had too many kept; those of others stay', async () => {
    const [greedy, modest] = [{ 'x-forwarded-for': '198.51.100.1' }, { 'x-forwarded-for': '198.51.100.2' }];
    const before = fresh();
    await byPost(app.url, { query: before.query, ...apq(before.hash) }, modest);
    for (let n = 0; n < 200; n += 1) {
      const { query, hash } = fresh();
      await byPost(app.url, { query, ...apq(hash) }, greedy);
    }
    const over = fresh();
    expect(await byPost(app.url, { query: over.query, ...apq(over.hash) }, greedy)).toMatchObject(DATA);
    expect(codeOf(await byPost(app.url, apq(over.hash), greedy))).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(await byPost(app.url, apq(before.hash), modest)).toMatchObject(DATA);
    const another = fresh();
    await byPost(app.url, { query: another.query, ...apq(another.hash) }, modest);
    expect(await byPost(app.url, apq(another.hash), modest)).toMatchObject(DATA);
  });

  it('is not told of to those whose credential is refused', async () => {
    const { query, hash } = fresh();
    await byPost(app.url, { query, ...apq(hash) });
    expect(codeOf(await byPost(app.url, apq(hash), { authorization: 'Bearer x' }))).toBe('UNAUTHENTICATED');
  });
});

describe('with Redis', () => {
  let redis: TestRedis;
  let one: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    redis = await startRedis();
    one = await startTestApp({ env: { REDIS_URL: redis.url } });
    other = await startTestApp({ env: { REDIS_URL: redis.url }, database: one.database });
  });
  afterAll(async () => {
    await other.stop();
    await one.stop();
    await redis.stop();
  });

  it('what one process keeps is known to another', async () => {
    const { query, hash } = fresh();
    await byPost(one.url, { query, ...apq(hash) });
    // Nobody waits for Redis to have it.
    await expect.poll(async () => await byPost(other.url, apq(hash))).toMatchObject(DATA);
  });
});

describe('trusted documents', () => {
  const NAMED = 'query Named { __typename }';
  const LOGIN = 'mutation LogIn($input: LoginInput!) { login(input: $input) { user { id } } }';
  let folder: string;
  let manifest: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lyceum-trusted-'));
    manifest = join(folder, 'persisted-documents.json');
    await writeFile(
      manifest,
      JSON.stringify({ [`sha256:${sha256(NAMED)}`]: NAMED, [sha256(LOGIN)]: LOGIN, 'x-short': 'query Short { __typename }' }),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are known from the start, by each form of their ids; others may be used beside them', async () => {
    const app = await startTestApp({ env: { TRUSTED_DOCUMENTS: manifest } });
    try {
      for (const ask of Object.values(WAYS)) {
        for (const id of [sha256(NAMED), `sha256:${sha256(NAMED)}`, sha256(NAMED).toUpperCase()]) {
          expect(await ask(app.url, { documentId: id })).toMatchObject(DATA);
          expect(await ask(app.url, apq(id))).toMatchObject(DATA);
        }
        expect(await ask(app.url, { documentId: 'x-short' })).toMatchObject(DATA);
        expect(await ask(app.url, { query: '{ __typename }' })).toMatchObject(DATA);
        expect(codeOf(await ask(app.url, { query: '{ __typename }', documentId: 'x-short' }))).toBe('BAD_REQUEST');
        expect(codeOf(await ask(app.url, { documentId: 'x-other' }))).toBe('PERSISTED_QUERY_NOT_FOUND');
      }
      // Somebody whose token has expired signs in.
      expect(codeOf(await byPost(app.url, { documentId: sha256(LOGIN) }, { authorization: 'Bearer x' }))).toBe('BAD_USER_INPUT');
    } finally {
      await app.stop();
    }
  });

  it('are the only ones where that is set, by id or by text', async () => {
    const app = await startTestApp({ env: { TRUSTED_DOCUMENTS: manifest, TRUSTED_DOCUMENTS_ONLY: 'true' } });
    try {
      for (const ask of Object.values(WAYS)) {
        expect(await ask(app.url, apq(sha256(NAMED)))).toMatchObject(DATA);
        expect(await ask(app.url, { query: NAMED })).toMatchObject(DATA);
        const { query, hash } = fresh();
        for (const operation of [{ query }, { query, ...apq(hash) }, apq(hash), { query: '{ __schema { types { name } } }' }])
          expect(codeOf(await ask(app.url, operation))).toBe('DOCUMENT_NOT_TRUSTED');
      }
      expect((await byPost(app.url, { query: '{ a: __typename }' })).status).toBe(403);
    } finally {
      await app.stop();
    }
  });

  it('that do not fit the schema end the start, named', async () => {
    const wrong: Readonly<Record<string, readonly [unknown, RegExp]>> = {
      'a field that is not there': [{ [sha256('x')]: 'query Old { former }' }, /query Old.*Cannot query field "former"/],
      'no GraphQL': [{ 'x-1': 'query Broken {' }, /x-1 \(query Broken\).*Syntax Error/],
      'no text': [{ 'x-1': 1 }, /x-1 must be a text/],
      'a list': [[NAMED], /JSON object/],
    };
    for (const [content, message] of Object.values(wrong)) {
      const file = join(folder, 'wrong.json');
      await writeFile(file, JSON.stringify(content));
      await expect(startTestApp({ env: { TRUSTED_DOCUMENTS: file } })).rejects.toThrow(message);
    }
    await expect(startTestApp({ env: { TRUSTED_DOCUMENTS: join(folder, 'nowhere.json') } })).rejects.toThrow(/nowhere\.json/);
    await expect(startTestApp({ env: { TRUSTED_DOCUMENTS_ONLY: 'true' } })).rejects.toThrow(
      /TRUSTED_DOCUMENTS_ONLY: needs TRUSTED_DOCUMENTS/,
    );
  });
});
