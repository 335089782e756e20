import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import { observeDatabase } from '../kit/observed-work.js';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { operationOf, reachedFields, selectionAt, type Reached } from '../kit/every-field.js';
import { FULL, FULL_LITERALS, fillDatabase, idAt } from '../kit/full-database.js';
import { rowsOf, scansOf, type Statement } from '../kit/plans.js';

/*
 * What an operation costs by its price is compared with what it does, on a database in which every list is longer than a page. Times depend on the
 * machine, so the work is what can be counted: statements, rows that were returned, rows that were looked at for that, and what is in the answer.
 * `npm run bench:worst` measures times.
 */

/** What each of them is worth in rows, as `npm run bench:worst` finds it. */
const WORTH = { operation: 10, statement: 15, row: 1, rowLookedAt: 0.05, value: 0.1, characters: 1 / 2_000 } as const;
/** How far price and work may be apart. */
const FACTOR = 4;
/** How many operations are made up; a failure prints its seed. */
const RUNS = Number(process.env['PRICES_RUNS'] ?? 40);

let app: TestApp;
let token: string;
const sent: Statement[] = [];

beforeAll(async () => {
  app = await startTestApp({
    env: { JOB_CONCURRENCY: '0' },
    onStatement: (sql, params) => sent.push({ sql, params: JSON.parse(params) as unknown[] }),
  });
  await fillDatabase(app.database.adminUrl);
  ({ token } = await app.services.tokens.issue({ userId: idAt('user', 0), sessionId: idAt('session', 0) }));
  // What a process asks once.
  await ask('{ me { id } }');
});
afterAll(() => app.stop());

/** Ten are typing in each conversation; it is forgotten after a while. */
const type = (): void => {
  for (let place = 0; place < FULL.conversations; place += 1)
    for (let typist = 1; typist <= 10; typist += 1) app.services.typing.hear(idAt('conversation', place), idAt('user', typist), true);
};

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
  readonly extensions?: { readonly cost?: { readonly price: number } };
}

const ask = async (query: string): Promise<{ readonly answer: Answer; readonly text: string }> => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, extensions: { cost: true } }),
  });
  const text = await response.text();
  return { answer: JSON.parse(text) as Answer, text };
};

const valuesIn = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + valuesIn(each), 0);
  return typeof value === 'object' && value !== null ? valuesIn(Object.values(value)) : 1;
};

interface Compared {
  readonly query: string;
  readonly price: number;
  readonly work: number;
  readonly errors: readonly string[];
}

/** The price of an operation, and what it has done. */
const compare = async (query: string): Promise<Compared> => {
  let asked: Awaited<ReturnType<typeof ask>> | undefined;
  sent.length = 0;
  type();
  const { statements, rows } = await observeDatabase(async () => (asked = await ask(query)));
  const { data, errors = [], extensions } = asked?.answer ?? {};
  const lookedAt = rowsOf(await scansOf(app.database, [...sent]));
  const work =
    WORTH.operation +
    WORTH.statement * statements +
    WORTH.row * rows +
    WORTH.rowLookedAt * lookedAt +
    WORTH.value * valuesIn(data) +
    WORTH.characters * (asked?.text.length ?? 0);
  return { query, price: extensions?.cost?.price ?? Number.NaN, work, errors: errors.map(({ message }) => message) };
};

const ratio = ({ price, work }: Compared): number => Math.max(price, 1) / work;
const told = (compared: Compared): string =>
  `${ratio(compared).toFixed(2)}: price ${compared.price}, work ${compared.work.toFixed(0)}, ${compared.query}`;
const fields: readonly Reached[] = reachedFields(schema, FULL_LITERALS);

describe('the price of each field that a query can reach', () => {
  const all: Compared[] = [];

  it.each(fields.map((field) => [field.name, field] as const))(
    `of %s is within a factor of ${FACTOR} of what it does`,
    async (_name, field) => {
      const compared = await compare(operationOf(field, FULL_LITERALS));
      all.push(compared);
      expect(compared.errors, compared.query).toEqual([]);
      expect(ratio(compared), told(compared)).toBeGreaterThan(1 / FACTOR);
      expect(ratio(compared), told(compared)).toBeLessThan(FACTOR);
    },
  );

  afterAll(() => {
    if (process.env['PRICES_RUNS'] === undefined) return;
    const sorted = all.toSorted((one, other) => ratio(one) - ratio(other));
    console.log(['the ten cheapest for what they do', ...sorted.slice(0, 10).map(told)].join('\n'));
    console.log(['the ten dearest for what they do', ...sorted.slice(-10).map(told)].join('\n'));
  });
});

describe('made-up operations', () => {
  it('do not do more than four times what they cost', async () => {
    const property = fc.asyncProperty(fc.gen(), async (gen) => {
      const compared = await compare(selectionAt(schema, FULL_LITERALS, (most) => gen(fc.nat, { max: most })));
      if (Number.isNaN(compared.price) || compared.errors.some((message) => message.includes('costs'))) return;
      expect(ratio(compared), told(compared)).toBeGreaterThan(1 / FACTOR);
    });
    await fc.assert(property, { numRuns: RUNS });
  });
});
