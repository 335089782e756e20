import { getNamedType, isEnumType, isInputObjectType, isScalarType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { FIELD_ERROR_CODES, isErrorCode } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';
import { createDocuments } from '../../src/server/execution/documents.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

interface Operation {
  readonly query: string;
  readonly variables?: object;
}

const post = async (accept: string, operation: Operation, as?: TestUser): Promise<string> => {
  const headers = { 'content-type': 'application/json', accept, ...(as ? { authorization: `Bearer ${as.token}` } : {}) };
  return await (await fetch(app.url, { method: 'POST', headers, body: JSON.stringify(operation) })).text();
};

/** The whole answer, as it comes. */
const transports: Readonly<Record<string, (operation: Operation, as?: TestUser) => Promise<string>>> = {
  HTTP: (operation, as) => post('application/json', operation, as),
  SSE: (operation, as) => post('text/event-stream', operation, as),
  WebSocket: (operation, as) =>
    new Promise((resolve, reject) => {
      let answer = '';
      app.connect(as).client.subscribe(operation as { query: string; variables?: Record<string, unknown> }, {
        next: (result) => (answer += JSON.stringify(result)),
        error: (error) => (Array.isArray(error) ? resolve(JSON.stringify(error)) : reject(error as Error)),
        complete: () => resolve(answer),
      });
    }),
};

/** The code of its first error, which stands behind those of fields. */
const codeIn = (answer: string): string | undefined =>
  [...answer.matchAll(/"code":"([A-Z_]+)"/g)]
    .map(([, code]) => code)
    .find((code) => code !== undefined && isErrorCode(code) && !(code in FIELD_ERROR_CODES));
const keys = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, index]));
const nested = (open: string, inner: string, close: string, times = 5_000): string => open.repeat(times) + inner + close.repeat(times);

describe.each(Object.entries(transports))('over %s', (_name, send) => {
  it.each([
    ['selections', nested('{ node(id: "x") ', '{ id }', ' }').replace('{', 'query {')],
    ['lists', `{ entries(first: ${nested('[', '', ']')}) { totalCount } }`],
    ['objects', `{ entries(filter: ${nested('{a: ', '1', '}')}) { totalCount } }`],
    ['types', `query ($a: ${nested('[', 'Int', ']')}) { __typename }`],
  ])('%s that nest 5,000 deep are GRAPHQL_PARSE_FAILED', async (_what, query) => {
    expect(codeIn(await send({ query }))).toBe('GRAPHQL_PARSE_FAILED');
  });

  it.each([
    ['50 deep are BAD_USER_INPUT', 50, 'BAD_USER_INPUT'],
    ['1,000 deep are BAD_REQUEST', 1_000, 'BAD_REQUEST'],
  ])('variables that nest %s', async (_what, depth, code) => {
    const query = 'query ($filter: EntryFilter) { entries(filter: $filter) { totalCount } }';
    const filter = JSON.parse(nested('[', '', ']', depth)) as object;
    expect(codeIn(await send({ query, variables: { filter } }))).toBe(code);
    const tag = JSON.parse(nested('{"tag":', '1', '}', depth)) as object;
    expect(codeIn(await send({ query, variables: { filter: tag } }))).toBe(code);
  });

  // Coercion without a limit on its errors took minutes for the keys, and held the process meanwhile.
  it.each([
    ['keys', 'query ($value: EntryFilter) { entries(filter: $value) { totalCount } }', keys(20_000)],
    ['items', 'query ($value: [ID!]!) { nodes(ids: $value) { id } }', Array(20_000).fill(null)],
    ['items that cost nothing', 'query ($value: [ID!]!) { nodes(ids: $value) @skip(if: true) { id } }', Array(20_000).fill({})],
  ])('a variable with 20,000 wrong %s is refused, and no more than twenty of them are told', async (_what, query, value) => {
    const answer = await send({ query, variables: { value } });
    expect(['BAD_USER_INPUT', 'OPERATION_TOO_COMPLEX']).toContain(codeIn(answer));
    expect(answer.length).toBeLessThan(10_000);
  });

  const times = (count: number, text: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => text(index)).join(' ');
  it.each([
    ['201 directives', `{ __typename ${times(201, () => '@skip(if: false)')} }`],
    ['501 inline fragments', `{ ${times(501, () => '... { __typename }')} }`],
    ['501 spreads of a fragment', `{ ${times(501, () => '...f')} } fragment f on Query { __typename }`],
    ['501 fragments', `{ __typename } ${times(501, (index) => `fragment f${index} on Query { __typename }`)}`],
    ['501 aliases', `{ ${times(501, (index) => `a${index}: __typename`)} }`],
    ['101 root fields', `{ ${times(101, () => '__typename')} }`],
    ['101 root fields by fragments', `{ ${times(21, () => '...f')} } fragment f on Query { ... { ${times(5, () => '__typename')} } }`],
  ])('a document with %s is OPERATION_TOO_COMPLEX', async (_what, query) => {
    expect(codeIn(await send({ query }))).toBe('OPERATION_TOO_COMPLEX');
  });

  it('fragments that lead on 1,000 times are refused with a code of the caller', async () => {
    const fragments = Array.from({ length: 1_000 }, (_, index) => `fragment f${index} on Query { ...f${index + 1} }`).join(' ');
    const code = codeIn(await send({ query: `{ ...f0 } ${fragments} fragment f1000 on Query { __typename }` }));
    expect([undefined, 'GRAPHQL_VALIDATION_FAILED', 'OPERATION_TOO_COMPLEX']).toContain(code);
  });

  it.each([
    ['at the root', (next: string) => `{ ...${next} ...${next} }`, 'Query'],
    [
      'under two names',
      (next: string) => `{ a: author { posts { nodes { ...${next} } } } b: author { posts { nodes { ...${next} } } } }`,
      'Post',
    ],
    [
      'under one name',
      (next: string) => `{ author { posts { nodes { ...${next} } } } author { posts { nodes { ...${next} ...${next} } } } }`,
      'Post',
    ],
    ['in fragments without names', (next: string) => `{ ... { ...${next} } ... { ...${next} } }`, 'Query'],
  ])(
    'fragments that spread each other twice, %s, are refused before anything walks them',
    { timeout: 20_000 },
    async (_where, setOf, type) => {
      const fragments = Array.from({ length: 60 }, (_, index) => `fragment f${index} on ${type} ${setOf(`f${index + 1}`)}`).join(' ');
      const last = type === 'Query' ? '__typename me { id } b: __typename c: __typename' : 'id body';
      const query = `{ ${type === 'Query' ? '...f0' : 'post(id: "x") { ...f0 }'} } ${fragments} fragment f60 on ${type} { ${last} }`;
      expect(codeIn(await send({ query }))).toBe('OPERATION_TOO_COMPLEX');
    },
  );

  it('fragments that lead to themselves are GRAPHQL_VALIDATION_FAILED', async () => {
    const query = '{ ...f } fragment f on Query { ...g ...g } fragment g on Query { ...f ...f __typename }';
    expect(codeIn(await send({ query }))).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('a document of too many tokens is OPERATION_TOO_COMPLEX', async () => {
    expect(codeIn(await send({ query: `{ ${'__typename '.repeat(20_000)} }` }))).toBe('OPERATION_TOO_COMPLEX');
  });

  it('a document whose fields are too many to be compared with each other is OPERATION_TOO_COMPLEX', async () => {
    expect(codeIn(await send({ query: `{ ${'__typename '.repeat(2_000)} }` }))).toBe('OPERATION_TOO_COMPLEX');
  });

  it('mistakes in a document are told of some only', async () => {
    const answer = await send({ query: `{ ${Array.from({ length: 1_000 }, (_, index) => `nothing${index}`).join(' ')} }` });
    expect(answer.length).toBeLessThan(10_000);
  });

  const SECRET = 'hunter2 at "x"; hunter2';
  const wrong = [
    { password: SECRET },
    [SECRET],
    SECRET,
    { identifier: [SECRET], password: { a: SECRET } },
    { identifier: SECRET, password: 1, [`x`]: SECRET },
  ];
  it.each(wrong.map((input) => [JSON.stringify(input), input]))('a wrong variable is not repeated: %s', async (_text, input) => {
    const answer = await send({ query: 'mutation ($input: LoginInput!) { login(input: $input) { user { id } } }', variables: { input } });
    expect(codeIn(answer)).toBe('BAD_USER_INPUT');
    expect(answer).not.toContain('hunter2');
  });

  it.each([
    'mutation { login(input: { identifier: ["hunter2"], password: { a: "hunter2" } }) { user { id } } }',
    'mutation { login(input: "hunter2") { user { id } } }',
    'query { users(first: "hunter2") { totalCount } }',
    'query { entries(orderBy: "hunter2") { totalCount } }',
    'query { entries(orderBy: hunter2) { totalCount } }',
    'mutation { createCategory(input: { name: "x", color: "hunter2" }) { category { id } } }',
    'query ($a: Int = "hunter2") { users(first: $a) { totalCount } }',
    '{ me "hunter2" }',
    '{ me """hunter2""" }',
  ])('a wrong value in a document is not repeated: %s', async (query) => {
    const answer = await send({ query });
    expect(codeIn(answer)).toMatch(/^GRAPHQL_(PARSE|VALIDATION)_FAILED$/);
    expect(answer).not.toContain('hunter2');
  });
});

it('no scalar and no enum repeats what it was given', async () => {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => (isScalarType(type) || isEnumType(type)) && !type.name.startsWith('__'),
  );
  const taken = new Set(
    Object.values(schema.getTypeMap()).flatMap((type) =>
      isInputObjectType(type) ? Object.values(type.getFields()).map((field) => getNamedType(field.type).name) : [],
    ),
  );
  for (const { name } of types) {
    if (!taken.has(name)) continue;
    for (const value of ['hunter2', { a: 'hunter2' }, ['hunter2', ['hunter2']]]) {
      const answer = await post('application/json', {
        query: `query ($v: ${name}!, $w: [${name}!]) { __typename }`,
        variables: { v: value, w: value },
      });
      expect(answer, name).not.toContain('hunter2');
    }
  }
});

describe('what is remembered of documents', () => {
  const { limits, schema: secrecy } = loadConfig({ NODE_ENV: 'test', DATABASE_URL: 'postgresql://localhost/lyceum' });

  it('is not pushed out by documents that are not valid', () => {
    const documents = createDocuments(schema, limits, secrecy);
    const known = documents.parse('{ __typename }');
    // Together they take more than all documents that are remembered.
    for (let n = 0; n < 20; n += 1) {
      const document = documents.parse(`{ nothing { ${`field${n} `.repeat(9_000)} } }`);
      expect(documents.mistakesOf(document)[0]?.extensions['code']).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    expect(documents.parse('{ __typename }')).toBe(known);
  });

  it('is a document that is not valid, too', () => {
    const documents = createDocuments(schema, limits, secrecy);
    const document = documents.parse('{ nothing }');
    documents.mistakesOf(document);
    expect(documents.isKnown('{ nothing }')).toBe(true);
    expect(documents.parse('{ nothing }')).toBe(document);
  });
});
