import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import '../kit/extra-fields.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { GraphQLError, GraphQLResponse, TestSocket } from '../kit/client.js';
import { aComment, aPost } from '../kit/factories.js';

/** The same value as it is written in a document, and as it is given in JSON. */
interface Value {
  readonly literal: string;
  readonly json: unknown;
}
const value = (json: unknown, literal = JSON.stringify(json)): Value => ({ json, literal });

/** Values of each type that are easily taken for one another. */
const VALUES: Readonly<Record<string, readonly Value[]>> = {
  Int: [value(1), value(-0, '-0'), value(0), value(7)],
  Float: [
    value(1),
    value(1, '1.0'),
    value(1, '1e0'),
    value(-0, '-0.0'),
    value(0),
    value(1e21),
    value(9007199254740993, '9007199254740993'),
  ],
  ID: [value('1'), value(1, '1'), value('01'), value('null')],
  String: [value('1'), value(''), value('null'), value('DARK'), value('a"b,c:"d')],
  Shade: [value('DARK', 'DARK'), value('LIGHT', 'LIGHT')],
  DateTime: [value('2026-01-31T12:00:00Z'), value('2026-01-31T13:00:00+01:00'), value('2026-01-31T12:00:00.001Z')],
  '[Int]': [value([]), value([1]), value([1, null]), value([null]), value([1, 1])],
  GivenInput: [
    value({}, '{}'),
    value({ n: null }, '{n: null}'),
    value({ n: 3 }, '{n: 3}'),
    value({ text: '1', shade: 'DARK' }, '{shade: DARK, text: "1"}'),
    value({ given: { ns: [1] } }, '{given: {ns: [1]}}'),
  ],
};

/** The arguments of the field that tells them. */
const ARGUMENTS = {
  n: 'Int',
  must: 'Int',
  x: 'Float',
  id: 'ID',
  text: 'String',
  shade: 'Shade',
  at: 'DateTime',
  ns: '[Int]',
  given: 'GivenInput',
} as const;
type Argument = keyof typeof ARGUMENTS;

const NULL = value(null);
const valuesOf = (type: string): fc.Arbitrary<Value> => fc.constantFrom(...(VALUES[type] ?? []));
const nullableOf = (type: string): fc.Arbitrary<Value> => fc.oneof(valuesOf(type), fc.constant(NULL));

/** One variable: what its definition has by default, and the values that are given by those who send the same document; undefined where none is. */
interface Variable {
  readonly type: string;
  readonly byDefault: Value | undefined;
  readonly given: readonly [Value | undefined, Value | undefined];
}

const variableOf = (type: string): fc.Arbitrary<Variable> => {
  const given = fc.option(nullableOf(type), { nil: undefined });
  return fc.record({ type: fc.constant(type), byDefault: fc.option(nullableOf(type), { nil: undefined }), given: fc.tuple(given, given) });
};

/** How an argument is written: a value, the name of a variable, or variables within. */
type Written =
  | { readonly literal: string }
  | { readonly variable: string }
  | { readonly within: Readonly<Record<string, string>> }
  | { readonly list: string };

const writtenOf = (name: Argument): fc.Arbitrary<Written> =>
  fc.oneof(
    {
      weight: 1,
      arbitrary: (name === 'must' ? valuesOf(ARGUMENTS[name]) : nullableOf(ARGUMENTS[name])).map(({ literal }) => ({ literal })),
    },
    { weight: 4, arbitrary: fc.constant({ variable: `v_${name}` }) },
    ...(name === 'given'
      ? [
          {
            weight: 2,
            arbitrary: fc
              .subarray(['n', 'x', 'text', 'shade', 'at', 'ns'] as const)
              .map((within) => ({ within: Object.fromEntries(within.map((each) => [each, `v_${each}`])) })),
          },
        ]
      : []),
    ...(name === 'ns' ? [{ weight: 2, arbitrary: fc.constant({ list: 'v_n' }) }] : []),
  );

const textOf = (written: Written): string => {
  if ('literal' in written) return written.literal;
  if ('variable' in written) return `$${written.variable}`;
  if ('list' in written) return `[1, $${written.list}]`;
  return `{${Object.entries(written.within)
    .map(([field, variable]) => `${field}: $${variable}`)
    .join(', ')}}`;
};

interface Call {
  readonly alias: string;
  readonly args: readonly (readonly [Argument, Written])[];
  readonly condition: '' | '@include(if: $yes)' | '@skip(if: $yes)' | '@include(if: true)';
  readonly inFragment: boolean;
}

const callOf: fc.Arbitrary<Call> = fc.record({
  alias: fc.constantFrom('a', 'b'),
  args: fc
    .shuffledSubarray(Object.keys(ARGUMENTS) as Argument[], { maxLength: 3 })
    .chain((names) => fc.tuple(...names.map((name) => writtenOf(name).map((written) => [name, written] as const)))),
  condition: fc.constantFrom('', '', '@include(if: $yes)', '@skip(if: $yes)', '@include(if: true)'),
  inFragment: fc.boolean(),
});

/** One document, which two send with values of their own. */
interface Document {
  readonly calls: readonly Call[];
  readonly variables: Readonly<Record<string, Variable>>;
}

const documentOf: fc.Arbitrary<Document> = fc.record({
  calls: fc.uniqueArray(callOf, { minLength: 1, maxLength: 2, selector: ({ alias }) => alias }),
  variables: fc.record<Record<string, Variable>>(
    Object.fromEntries([
      ...Object.entries(ARGUMENTS).map(([name, type]) => [`v_${name}`, variableOf(type)] as const),
      ['yes', variableOfCondition()] as const,
    ]),
  ),
});

function variableOfCondition(): fc.Arbitrary<Variable> {
  const given = fc.constantFrom(value(true), value(false), undefined, NULL);
  // Where a condition has no value at all, the document is wrong.
  return fc.record({ type: fc.constant('Boolean'), byDefault: fc.constantFrom(value(true), value(false)), given: fc.tuple(given, given) });
}

const fieldsOf = (calls: readonly Call[]): string =>
  calls
    .map(
      ({ alias, args, condition }) =>
        `${alias}: toldWith${args.length === 0 ? '' : `(${args.map(([name, written]) => `${name}: ${textOf(written)}`).join(', ')})`} ${condition}`,
    )
    .join(' ');

const isUsed = (text: string, name: string): boolean => new RegExp(`\\$${name}\\b`).test(text);

interface Sent {
  readonly subscription: string;
  readonly query: string;
  readonly variables: readonly [Record<string, unknown>, Record<string, unknown>];
}

/** A variable of `must`, and in a list that takes no null, must have a default, or the document would be wrong. */
const sentOf = ({ calls, variables }: Document): Sent => {
  const inner = `id ${fieldsOf(calls.filter(({ inFragment }) => !inFragment))} ... Further`;
  const fragment = `fragment Further on User { username ${fieldsOf(calls.filter(({ inFragment }) => inFragment))} }`;
  const used = Object.entries(variables).filter(([name]) => isUsed(inner + fragment, name));
  const definitions = used.map(([name, { type, byDefault }]) => {
    const needsDefault = name === 'v_must' || name === 'yes';
    const chosen = needsDefault && (byDefault === undefined || byDefault.json === null) ? value(5) : byDefault;
    return `$${name}: ${type}${chosen === undefined ? '' : ` = ${chosen.literal}`}`;
  });
  const variablesOf = (which: 0 | 1): Record<string, unknown> =>
    Object.fromEntries(used.flatMap(([name, { given }]) => (given[which] === undefined ? [] : [[name, given[which].json]])));
  return {
    subscription: `subscription (${['$id: ID!', ...definitions].join(', ')}) { event: commentAdded(postId: $id) { comment { author { ${inner} } } } } ${fragment}`,
    query: `query (${['$id: ID!', ...definitions].join(', ')}) { event: node(id: $id) { ... on Comment { author { ${inner} } } } } ${fragment}`,
    variables: [variablesOf(0), variablesOf(1)],
  };
};

interface Event {
  readonly event: { readonly comment?: { readonly author: unknown }; readonly author?: unknown } | null;
}

/** What is said of each field that may fail; above these, a query and a subscription have other fields. */
const told = (errors: readonly GraphQLError[] = []): unknown[] =>
  errors
    .map(({ message, path = [], extensions }) => ({
      message,
      field: ['a', 'b'].find((alias) => alias === path.at(-1)),
      code: extensions?.['code'],
    }))
    .sort((a, b) => String(a.field).localeCompare(String(b.field)));

describe('Sharing', () => {
  let app: TestApp;
  let ada: TestUser;
  let socket: TestSocket;
  let post: string;
  beforeAll(async () => {
    app = await startTestApp({ env: { LOG_LEVEL: 'silent' } });
    ada = await app.user('ada');
    socket = app.connect();
    ({ id: post } = await aPost(app, ada));
  });
  afterAll(() => app.stop());

  const expectAsAlone = async (
    sent: Sent,
    variables: Record<string, unknown>,
    id: string,
    result: GraphQLResponse<Event>,
  ): Promise<void> => {
    const alone = await app.execute<Event>(sent.query, { ...variables, id });
    const shown = alone.data?.event?.author ?? null;
    expect({ shown: result.data?.event?.comment?.author ?? null, errors: told(result.errors) }).toEqual({
      shown,
      errors: told(alone.errors),
    });
    expect(result.errors?.some((error) => 'locations' in error) ?? false).toBe(false);
  };

  const follow = async (sent: Sent): Promise<void> => {
    const quiet = app.services.hub.stats().subscribers;
    const following = sent.variables.map((variables) => ({
      variables,
      results: socket.subscribe<Event>(sent.subscription, { ...variables, id: post }),
    }));
    // A condition that is null refuses the whole subscription: that is told at once, and shared with nobody.
    const refused = () => following.filter(({ results }) => results.waiting() > 0);
    await expect.poll(() => app.services.hub.stats().subscribers + refused().length).toBe(quiet + following.length);
    const early = new Set(refused());
    const { id } = await aComment(app, ada, post);
    for (const each of following) {
      const { variables, results } = each;
      const result = await results.next();
      if (early.has(each)) {
        expect(result.errors).toHaveLength(1);
        expect((await app.execute(sent.query, { ...variables, id })).errors).toBeDefined();
      } else await expectAsAlone(sent, variables, id, result);
      results.stop();
    }
    await expect.poll(() => app.services.hub.stats().subscribers).toBe(quiet);
  };

  it('H33: a variable left out, one that is null and one with the value of its default share nothing that differs', async () => {
    const selection = 'author { toldWith(n: $n) }';
    const sent: Sent = {
      subscription: `subscription ($id: ID!, $n: Int) { event: commentAdded(postId: $id) { comment { ${selection} } } }`,
      query: `query ($id: ID!, $n: Int) { event: node(id: $id) { ... on Comment { ${selection} } } }`,
      variables: [{}, { n: null }],
    };
    await follow(sent);
    await follow({ ...sent, variables: [{ n: null }, { n: 7 }] });
  });

  it('H33: whatever the variables are, the answer that is shared is the one that is given alone', async () => {
    await fc.assert(
      fc.asyncProperty(documentOf, (document) => follow(sentOf(document))),
      { numRuns: 30, endOnFailure: true },
    );
  }, 120_000);
});
