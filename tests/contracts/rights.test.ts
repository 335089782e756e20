import { getNamedType, isCompositeType, type GraphQLField } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isErrorCode } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { TestSocket } from '../kit/client.js';
import { aGuest, anApiKey } from '../kit/factories.js';
import { ASKED, RANK, words, type Asked, type Role } from './asked.js';

/*
 * Who may ask what, as it is meant to be: each operation, as each kind of principal, on each transport. What an operation is about is left out: it is given
 * wrong values, and who may ask it is told so.
 */

/** Whoever asks: with which role, and with which scopes where it is a key. */
interface Kind {
  readonly role: Role | null;
  readonly scopes: readonly string[] | null;
  readonly isSuspended?: boolean;
}

const SCOPES = words(
  'WRITE_ACCOUNT WRITE_BLOCKS WRITE_CONVERSATIONS WRITE_FOLLOWS WRITE_KNOWLEDGE WRITE_NOTIFICATIONS WRITE_POSTS WRITE_PRESENCE AGENT ADMIN',
);
const KINDS: Readonly<Record<string, Kind>> = {
  nobody: { role: null, scopes: null },
  'a guest': { role: 'GUEST', scopes: null },
  'a member': { role: 'MEMBER', scopes: null },
  'a moderator': { role: 'MODERATOR', scopes: null },
  'an administrator': { role: 'ADMIN', scopes: null },
  'somebody who is suspended': { role: 'MEMBER', scopes: null, isSuspended: true },
  'a key for reading': { role: 'ADMIN', scopes: ['READ'] },
  ...Object.fromEntries(SCOPES.map((scope) => [`a key for ${scope}`, { role: 'ADMIN', scopes: [scope] } satisfies Kind])),
  'a key for everything': { role: 'ADMIN', scopes: SCOPES },
};

/** With what it is refused; null where it is looked at. */
const expected = ({ type, role, scope }: Asked, { role: own, scopes, isSuspended = false }: Kind): string | null => {
  // A credential that is refused refuses whatever is asked, but for the mutations by which one gets another.
  if (isSuspended) return type === 'Mutation' && role === null ? null : 'LOCKED';
  if (role === null) return null;
  if (own === null) return 'UNAUTHENTICATED';
  if (scopes !== null && scope !== null && !scopes.includes(scope)) return 'FORBIDDEN';
  const present = scopes === null || scopes.includes('ADMIN') ? own : 'MEMBER';
  return RANK[present] >= RANK[role] ? null : 'FORBIDDEN';
};

const fieldOf = ({ type, name }: Asked): GraphQLField<unknown, unknown> | undefined => schema.getType(type) && fieldsOf(type)[name];
const fieldsOf = (type: Asked['type']): Readonly<Record<string, GraphQLField<unknown, unknown>>> =>
  ({ Query: schema.getQueryType(), Mutation: schema.getMutationType(), Subscription: schema.getSubscriptionType() })[type]?.getFields() ??
  {};

/** The operation with a value that none of its arguments takes; null for one that takes none, which would be done. */
const wrongly = (asked: Asked): { readonly query: string; readonly variables: object } | null => {
  const field = fieldOf(asked);
  if (!field || field.args.length === 0) return null;
  const declared = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const given = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
  const query = `${asked.type.toLowerCase()} (${declared}) { ${asked.name}(${given})${selection} }`;
  return { query, variables: Object.fromEntries(field.args.map(({ name }) => [name, { no: 'such' }])) };
};

/** Only what it takes to be looked at: a wrong value. */
const told = (code: string | null): string | null => (code === 'BAD_USER_INPUT' ? null : code);
/** The first code of an error, which those of fields stand beside. */
const firstCode = (text: string): string => [...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code).find(isErrorCode) ?? 'nothing';

it('has a rule for every operation', () => {
  const all = (['Query', 'Mutation', 'Subscription'] as const).flatMap((type) =>
    Object.keys(fieldsOf(type)).map((name) => `${type}.${name}`),
  );
  expect(ASKED.map(({ type, name }) => `${type}.${name}`).sort()).toEqual(all.sort());
});

describe('who may ask what', () => {
  let app: TestApp;
  let people: Readonly<Record<string, TestUser | undefined>>;
  beforeAll(async () => {
    app = await startTestApp();
    const chief = await app.userWithRole('chief', 'ADMIN');
    const suspended = await app.user('shut');
    const keys = Object.entries(KINDS).filter(([, { scopes }]) => scopes !== null);
    people = {
      'a guest': await aGuest(app),
      'a member': await app.user('member'),
      'a moderator': await app.userWithRole('mia', 'MODERATOR'),
      'an administrator': chief,
      'somebody who is suspended': suspended,
      ...Object.fromEntries(
        await Promise.all(
          keys.map(async ([name, { scopes }]) => [name, await anApiKey(app, chief, [...(scopes ?? [])] as never)] as const),
        ),
      ),
    };
    await app.database.query(`UPDATE "user" SET suspended_at = now() WHERE username = 'shut'`);
  });
  afterAll(() => app.stop());

  const operations = ASKED.flatMap((asked) => {
    const operation = wrongly(asked);
    return operation === null ? [] : [{ asked, ...operation }];
  });
  /** What differs from what is meant, by the operations. */
  const differing = async (kind: Kind, ask: (query: string, variables: object) => Promise<string | null>): Promise<string[]> => {
    const differences: string[] = [];
    for (const { asked, query, variables } of operations) {
      const [meant, got] = [expected(asked, kind), told(await ask(query, variables))];
      if (got !== meant) differences.push(`${asked.name}: ${String(got)}, not ${String(meant)}`);
    }
    return differences;
  };
  const post = async (accept: string, query: string, variables: object, token?: string): Promise<string | null> => {
    const headers = { 'content-type': 'application/json', accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    return firstCode(await (await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })).text());
  };
  const bySocket = async (socket: TestSocket, query: string, variables: object): Promise<string | null> => {
    const subscription = socket.subscribe(query, variables);
    const result = await subscription.next().catch(() => null);
    return firstCode(JSON.stringify(result ?? (await subscription.ended)));
  };

  it.each(Object.entries(KINDS))('%s, over HTTP and by event streams', async (name, kind) => {
    const token = people[name]?.token;
    for (const accept of ['application/json', 'text/event-stream'])
      expect(await differing(kind, (query, variables) => post(accept, query, variables, token)), accept).toEqual([]);
  });

  it.each(Object.entries(KINDS).filter(([, { isSuspended }]) => isSuspended !== true))('%s, on a socket', async (name, kind) => {
    const socket = app.connect(people[name]);
    expect(await differing(kind, (query, variables) => bySocket(socket, query, variables))).toEqual([]);
  });
});
