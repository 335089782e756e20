import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startEmbeddedPostgres, type PostgresAddress } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { urlOf } from '../kit/postgres-address.js';
import { startChild, type Child } from './child.js';
import type { LyceumServer } from './servers/lyceum.js';

/** What a run stands on: a PostgreSQL of its own, and Lyceum processes that share it and one conversation. */
export interface World {
  readonly postgres: PostgresAddress;
  /** Where its files are, and the key of the tokens. */
  readonly dataDir: string;
  readonly lyceum: (options?: {
    readonly env?: Readonly<Record<string, string>>;
    readonly flags?: readonly string[];
  }) => Promise<Child<LyceumServer>>;
  readonly close: () => Promise<void>;
}

/**
 * @param durable whether what is committed is on the disk, as in production. False is for runs in which the clock starts after the commit:
 *   what reaches the disk, and when, is over by then
 * @param checkout whose Lyceum it is: this one's, or that of another checkout, which is built already
 */
export const createWorld = async ({
  durable = false,
  checkout = null,
}: {
  readonly durable?: boolean;
  readonly checkout?: string | null;
} = {}): Promise<World> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-bench-'));
  // Servers take it over, those of an earlier checkout too, and what stands beside them reads it.
  await writeFile(join(dataDir, 'jwt-key.pem'), generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable });
  const conversation = randomUUID();
  const started: Child<LyceumServer>[] = [];
  const file = './servers/lyceum.ts';
  const server = checkout === null ? file : new URL(`tests/bench/${file}`, pathToFileURL(`${resolve(checkout)}/`)).href;
  return {
    postgres: postgres.address,
    dataDir,
    lyceum: async ({ env = {}, flags = [] } = {}) => {
      const child = await startChild<LyceumServer>(server, {
        flags,
        env: {
          DATABASE_URL: urlOf(postgres.address),
          DATA_DIR: dataDir,
          HOST: '127.0.0.1',
          PORT: '0',
          LOG_LEVEL: 'warn',
          JWT_ACCESS_TTL_SECONDS: '86400',
          // All clients come from one address here.
          MAX_SOCKETS_PER_ADDRESS: '100000',
          RATE_LIMIT_FACTOR: '0',
          BENCH_CONVERSATION: conversation,
          ...env,
        },
      });
      started.push(child);
      return child;
    },
    close: async () => {
      await Promise.all(started.map((child) => child.stop()));
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

/** Writes the figures of a run beside those of others, under `results/`. */
export const keepResults = async (name: string, figures: object): Promise<void> => {
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}-${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`);
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nFigures: ${file}`);
};
