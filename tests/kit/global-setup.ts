import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres, type PostgresAddress } from '../../src/db/embedded/embedded.js';
import { prepareRoles, type EmbeddedRoles } from '../../src/db/embedded/roles.js';
import { letServe } from '../../src/db/grants.js';
import { applyMigrations, MIGRATIONS } from '../../src/db/migrate.js';
import { migrateQueue } from '../../src/jobs/queue.js';
import { createLog } from '../../src/observability/log.js';
import { queryAt } from './postgres-address.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL of this run; its database is the migrated template that suites clone. */
    readonly postgres: PostgresAddress;
    /** The roles of all databases of this run, with the address of the template. */
    readonly roles: EmbeddedRoles;
  }
}

/** One PostgreSQL for the whole run, without the flushing to disk that tests have no use for. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-test-'));
  const log = createLog('silent');
  const postgres = await startEmbeddedPostgres({ dataDir, log, durable: false, maxConnections: 400 });
  const roles = await prepareRoles(postgres.address);
  const afterMigrations = async (client: pg.Client): Promise<void> => {
    await migrateQueue(roles.owner, log);
    // What is granted comes with each clone.
    await letServe(client, roles.server, 10_000);
  };
  await applyMigrations(roles.owner, { directory: MIGRATIONS, log, afterMigrations });
  // What a test makes beside is for the server, too.
  for (const rights of ['SELECT, INSERT, UPDATE, DELETE ON TABLES', 'USAGE ON SEQUENCES'])
    await queryAt(postgres.address, `ALTER DEFAULT PRIVILEGES GRANT ${rights} TO ${roles.server.user}`);
  project.provide('postgres', postgres.address);
  project.provide('roles', roles);
  return async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
