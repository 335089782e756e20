import pg from 'pg';
import type { PostgresAddress } from '../../src/db/embedded/embedded.js';

export const urlOf = ({ user, password, host, port, database }: PostgresAddress): string =>
  `postgresql://${user}:${password}@${host}:${port}/${database}`;

/** Runs one statement on a connection of its own, which PostgreSQL shows by `application_name`. */
export const queryAt = async <Row extends object>(
  address: PostgresAddress & { readonly application_name?: string },
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> => {
  const client = new pg.Client({ ...address });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
};
