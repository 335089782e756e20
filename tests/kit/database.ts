import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  /** Runs one statement; for looking at what GraphQL does not show. */
  readonly query: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;
  readonly drop: () => Promise<void>;
}

/** A migrated, empty database of the suite's own, cloned from the run's template. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const template = inject('postgres');
  const name = `test_${randomBytes(8).toString('hex')}`;
  // Nobody may be connected to a template while it is copied, so these statements run from another database.
  const admin = async (sql: string): Promise<void> => {
    const client = new pg.Client({ ...template, database: 'postgres' });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await admin(`CREATE DATABASE ${name} TEMPLATE ${template.database}`);
  const pool = new pg.Pool({ ...template, database: name, max: 2 });
  pool.on('error', () => undefined);
  return {
    url: `postgresql://${template.user}:${template.password}@${template.host}:${template.port}/${name}`,
    query: async <Row extends object>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
    drop: async () => {
      await pool.end();
      await admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
};
