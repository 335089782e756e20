import { execute, parse, type ExecutionResult } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contextFor, type Scopes } from '../../src/context.js';
import { schema } from '../../src/process/schema.js';
import { NO_CLIENT } from '../../src/server/execution/audience.js';
import { createCostOf } from '../../src/server/execution/cost.js';
import { inOrder } from '../../src/server/execution/order.js';
import { startTestApp, type TestApp } from '../kit/app.js';

let app: TestApp;
let id: string;
beforeAll(async () => {
  app = await startTestApp();
  await app.user('ada');
  id = (await app.database.query<{ id: string }>('SELECT id FROM "user"'))[0]?.id ?? '';
});
afterAll(() => app.stop());

/** Runs an operation as one whose credential is good for so much. No such credential is handed out yet that is not good for everything. */
const run = async (scopes: Scopes, source: string, variableValues: Record<string, unknown> = {}): Promise<ExecutionResult> => {
  const principal = {
    viewer: { id, username: 'ada', role: 'MEMBER' },
    via: { kind: 'session', sessionId: id },
    scopes,
    expiresAt: new Date(),
    asOf: { epoch: null, seq: 0 },
  } as const;
  const contextValue = contextFor(app.services, { principal, client: NO_CLIENT });
  const ordered = inOrder(execute, createCostOf(schema), app.services.config.limits, { charge: () => null });
  return await ordered({ schema, document: parse(source), variableValues, contextValue });
};
const codesOf = ({ errors = [] }: ExecutionResult): unknown[] => errors.map(({ extensions }) => extensions['code']);

describe('a credential that is good for reading alone', () => {
  it('reads as its viewer', async () => {
    expect(await run('READ', '{ me { user { username } } }')).toEqual({ data: { me: { user: { username: 'ada' } } } });
  });

  it('changes nothing', async () => {
    const result = await run('READ', 'mutation { createPost(input: { body: "b" }) { post { id } } }');
    expect(result).toMatchObject({ data: { createPost: null }, errors: [{ message: 'What you have signed in with may only read.' }] });
    expect(codesOf(result)).toEqual(['FORBIDDEN']);
    expect(await app.database.query('SELECT 1 FROM post')).toEqual([]);
  });

  it.each([
    ['its text', 'mutation { createPost(input: { body: "" }) { post { id } } }', {}],
    ['its variables', 'mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }', { input: 7 }],
  ])('is told so before what is wrong with %s', async (_what, source, variables) => {
    expect(codesOf(await run('READ', source, variables))).toEqual(['FORBIDDEN']);
    expect(codesOf(await run('ALL', source, variables))).toEqual(['BAD_USER_INPUT']);
  });
});

it('a credential that is good for everything changes things', async () => {
  const result = await run('ALL', 'mutation { createPost(input: { body: "b" }) { post { body } } }');
  expect(result).toEqual({ data: { createPost: { post: { body: 'b' } } } });
});
