/** A server of its own on a database whose lists are all longer than a page, and what a request costs the two. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config.js';
import { systemClock } from '../../../src/clock.js';
import { applyMigrations, MIGRATIONS } from '../../../src/db/migrate.js';
import { tokensWith } from '../../kit/tokens.js';
import { migrateQueue } from '../../../src/jobs/queue.js';
import { createLog } from '../../../src/observability/log.js';
import { fillDatabase, idAt } from '../../kit/full-database.js';
import { urlOf } from '../../kit/postgres-address.js';
import { startChild } from '../child.js';
import { cpuOfPostgres, postmasterOf } from '../queries/processes.js';
import { createWorld } from '../world.js';
import type { MeasuredServer } from './server.js';

export interface Asked {
  readonly query: string;
  readonly variables?: object;
}

/** What one request has cost, the mean of all that were sent. Times are in milliseconds. */
export interface Spent {
  readonly price: number;
  readonly serverMs: number;
  readonly databaseMs: number;
  /** The longest time for which the server listened to nobody. */
  readonly longestMs: number;
  readonly bytes: number;
  /** The code of the first error. */
  readonly code: string | null;
  readonly message: string | null;
}

export interface WorstStage {
  /** @param times how often it is asked; the first answer is not counted unless it is the only one */
  readonly spend: (asked: Asked, who: 'viewer' | 'nobody', times?: number) => Promise<Spent>;
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string; readonly price?: number } }[];
  readonly extensions?: { readonly cost?: { readonly price: number } };
}

export const setWorstStage = async (env: Readonly<Record<string, string>> = {}): Promise<WorstStage> => {
  const world = await createWorld();
  try {
    const log = createLog('silent');
    const databaseUrl = urlOf(world.postgres);
    await applyMigrations(
      { connectionString: databaseUrl },
      { directory: MIGRATIONS, log, afterMigrations: () => migrateQueue(world.postgres, log) },
    );
    await fillDatabase(databaseUrl);
    const config = loadConfig({ NODE_ENV: 'production', JWT_ACCESS_TTL_SECONDS: '86400' });
    const tokens = await tokensWith(await readFile(join(world.dataDir, 'jwt-key.pem'), 'utf8'), config, systemClock);
    const viewerToken = (await tokens.issue({ userId: idAt('user', 0), sessionId: idAt('session', 0) })).token;
    const server = await startChild<MeasuredServer>('./worst/server.ts', {
      env: {
        DATABASE_URL: databaseUrl,
        DATA_DIR: world.dataDir,
        HOST: '127.0.0.1',
        PORT: '0',
        LOG_LEVEL: 'error',
        RATE_LIMIT_FACTOR: '0',
        // What is kept costs nothing.
        QUERY_CACHE_BYTES: '0',
        JOB_CONCURRENCY: '0',
        ...env,
      },
    });
    const url = await server.call('url');
    const postmaster = await postmasterOf(world.dataDir);
    let asked = 0;
    const ask = async (
      { query, variables }: Asked,
      who: 'viewer' | 'nobody',
    ): Promise<{ readonly text: string; readonly answer: Answer }> => {
      asked += 1;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(who === 'viewer' ? { authorization: `Bearer ${viewerToken}` } : {}) },
        // A document that is known already costs less.
        body: JSON.stringify({ query: `${query} # ${asked}`, variables, extensions: { cost: true } }),
      });
      const text = await response.text();
      return { text, answer: JSON.parse(text) as Answer };
    };
    return {
      url,
      spend: async (asked, who, times = 1) => {
        if (times > 1) await ask(asked, who);
        const before = { ...(await server.call('used')), database: await cpuOfPostgres(postmaster) };
        let last = { text: '', answer: {} as Answer };
        for (let n = 0; n < times; n += 1) last = await ask(asked, who);
        const after = { ...(await server.call('used')), database: await cpuOfPostgres(postmaster) };
        const [error] = last.answer.errors ?? [];
        return {
          price: last.answer.extensions?.cost?.price ?? error?.extensions?.price ?? Number.NaN,
          serverMs: (after.cpuMs - before.cpuMs) / times,
          databaseMs: (after.database - before.database) / times,
          longestMs: after.longestMs,
          bytes: last.text.length,
          code: error?.extensions?.code ?? null,
          message: error?.message ?? null,
        };
      },
      close: async () => {
        await server.stop();
        await world.close();
      },
    };
  } catch (error) {
    await world.close();
    throw error;
  }
};
