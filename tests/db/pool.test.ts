import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type ConnectionPool } from '../../src/db/pool.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

let database: TestDatabase;
let connections: ConnectionPool;
beforeAll(async () => {
  database = await createTestDatabase();
  connections = createPool({ target: { url: database.url }, size: 1, timeoutMs: 10_000, log: createLog('silent') });
});
afterAll(async () => {
  await connections.pool.end();
  await database.drop();
});

describe('a connection pool', () => {
  it('survives a connection that breaks while it is taken and nobody listens to it', async () => {
    const client = await connections.pool.connect();
    const ended = new Promise<void>((resolve) => client.on('end', resolve));
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    // An error that nobody listens to would end the process, and here the run.
    await database.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    client.release();
    expect((await connections.pool.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
