import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.js';
import { isUnavailable, reasonOf } from '../../src/observability/failures.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = openDatabase({ target: { url: test.url }, poolSize: 4, timeoutMs: 5_000, log: createLog('silent'), onCommit: () => undefined });
  await test.query(`CREATE TABLE raised (state text NOT NULL)`);
  await test.query(
    `CREATE FUNCTION raise_state(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'said by the test' USING ERRCODE = state; END $$`,
  );
  await test.query(
    `CREATE FUNCTION raise_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM raise_state((SELECT state FROM raised)); RETURN NULL; END $$`,
  );
  await test.query(
    `CREATE TRIGGER at_once AFTER INSERT ON category FOR EACH ROW WHEN (NEW.slug = 'at-once') EXECUTE FUNCTION raise_named()`,
  );
  await test.query(
    `CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON category DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.slug = 'at-commit') EXECUTE FUNCTION raise_named()`,
  );
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

const category = (slug: string) => ({ name: slug, nameKey: slug, slug, color: '#000000' });

/** Each way in which a failure reaches us, wrapped by others and by Prisma. */
const ways: readonly ((state: string) => Promise<unknown>)[] = [
  (state) => db.prisma.$queryRaw`SELECT raise_state(${state})`,
  (state) => db.prisma.$executeRaw`SELECT raise_state(${state})`,
  () => db.prisma.category.create({ data: category('at-once') }),
  () => db.prisma.category.create({ data: category('at-commit') }),
  (state) => db.transact((tx) => tx.$queryRaw`SELECT raise_state(${state})`),
  () => db.transact((tx) => tx.category.create({ data: category('at-once') })),
  () => db.transact((tx) => tx.category.create({ data: category('at-commit') })),
];

const failuresOf = async (state: string): Promise<unknown[]> => {
  await test.query('TRUNCATE raised');
  await test.query('INSERT INTO raised VALUES ($1)', [state]);
  return await Promise.all(
    ways.map((way) =>
      way(state).then(
        () => null,
        (error: unknown) => error,
      ),
    ),
  );
};

const WAITING_HELPS = [
  ...[
    '08000',
    '08001',
    '08003',
    '08004',
    '08006',
    '08P01',
    '53000',
    '53100',
    '53200',
    '53300',
    '53400',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '57P04',
    '57P05',
  ],
  ...['58000', '58030', '25006', '25P03', '25P04', '55P03', '40001', '40P01'],
];

describe('a failure of the database', () => {
  it.each(WAITING_HELPS)('%s passes by itself, however it is wrapped', async (state) => {
    const failures = await failuresOf(state);
    expect(failures.map(isUnavailable)).toEqual(ways.map(() => true));
    expect(failures.map((failure) => /\n/.test(reasonOf(failure)))).toEqual(ways.map(() => false));
  });

  it.each(['22012', '42703', '23514', 'XX001'])('%s does not', async (state) => {
    expect((await failuresOf(state)).map(isUnavailable)).toEqual(ways.map(() => false));
  });

  it('at the end of a transaction takes no connection with it', async () => {
    await failuresOf('53100');
    await Promise.all(
      Array.from({ length: 8 }, () => db.transact((tx) => tx.category.create({ data: category('at-commit') })).catch(() => null)),
    );
    expect(await db.prisma.$queryRaw`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  });
});
