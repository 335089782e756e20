import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres, type PostgresAddress } from '../../src/db/embedded/embedded.js';
import { applyMigrations, MIGRATIONS } from '../../src/db/migrate.js';
import { migrateQueue } from '../../src/jobs/queue.js';
import { createLog } from '../../src/observability/log.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL of this run; its database is the migrated template that suites clone. */
    readonly postgres: PostgresAddress;
  }
}

/** One PostgreSQL for the whole run, without the flushing to disk that tests have no use for. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-test-'));
  const log = createLog('silent');
  const postgres = await startEmbeddedPostgres({ dataDir, log, durable: false, maxConnections: 400 });
  await applyMigrations(postgres.address, { directory: MIGRATIONS, log, afterMigrations: () => migrateQueue(postgres.address, log) });
  project.provide('postgres', postgres.address);
  return async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
