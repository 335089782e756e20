import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { urlOf } from './postgres-address.js';

export interface TestDatabase {
  /** As the role that serves: it reads and writes rows, changes no table, and cannot change the audit. */
  readonly url: string;
  /** As a superuser, for what an operator does. */
  readonly adminUrl: string;
  /** Runs one statement; for looking at what GraphQL does not show; as a superuser. */
  readonly query: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;
  readonly drop: () => Promise<void>;
}

/** A migrated, empty database of the suite's own, cloned from the run's template. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const [template, { owner, server }] = [inject('postgres'), inject('roles')];
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
  await admin(`CREATE DATABASE ${name} TEMPLATE ${template.database} OWNER ${owner.user}`);
  const pool = new pg.Pool({ ...template, database: name, max: 2 });
  pool.on('error', () => undefined);
  return {
    url: urlOf({ ...server, database: name }),
    adminUrl: urlOf({ ...template, database: name }),
    query: async <Row extends object>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
    drop: async () => {
      await pool.end();
      await admin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
};

/** The address of a database as the role that owns its tables. */
export const ownerUrlOf = ({ url }: Pick<TestDatabase, 'url'>): string => {
  const { user, password } = inject('roles').owner;
  return Object.assign(new URL(url), { username: user, password }).href;
};
