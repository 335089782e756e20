import { execFile } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { queryAt, urlOf } from '../kit/postgres-address.js';
import { startProxy, type Proxy } from '../kit/proxy.js';

/** The PostgreSQL of a run. The servers reach it through a proxy, so that it may fall silent, and come back on another port. */
export interface ChaosPostgres {
  /** For the servers. */
  readonly url: string;
  readonly proxy: Proxy;
  /** Runs one statement past the proxy. */
  readonly query: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;
  /** Stops it gently, which ends all connections at once, and starts it again. */
  readonly restart: () => Promise<void>;
  /** Kills it (SIGKILL) and starts it again. */
  readonly crash: () => Promise<void>;
  /** Stops it gently, keeps a copy of it as it is, and starts it again. */
  readonly keepCopy: () => Promise<void>;
  /**
   * Kills it; the copy takes its place, as a standby that answers reads alone for a while, and is promoted: what an asynchronous failover
   * leaves. All that was written since the copy was made is gone.
   * @param onDead called when nothing can be committed any more
   */
  readonly failOver: (standbyMs: number, onDead: () => void) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const POLL_MS = 25;

export const startChaosPostgres = async (dataDir: string): Promise<ChaosPostgres> => {
  const data = join(dataDir, 'postgres', 'data');
  const copy = join(dataDir, 'postgres', 'copy');
  // Durable: what is committed must outlive a SIGKILL.
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: true, maxConnections: 150 });
  let postgres = await start();
  const proxy = await startProxy(urlOf(postgres.address));

  /** What PostgreSQL says of itself in its lock file: each in a line of its own. */
  const lockFile = async (): Promise<{ readonly pid: number; readonly port: number; readonly status: string }> => {
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  };
  const begin = async (): Promise<void> => {
    postgres = await start();
    proxy.lead(urlOf(postgres.address));
  };
  const kill = async (): Promise<void> => {
    process.kill((await lockFile()).pid, 'SIGKILL');
    await postgres.stop();
  };

  return {
    url: proxy.url,
    proxy,
    query: (sql, values) => queryAt({ ...postgres.address, application_name: 'chaos' }, sql, values),
    restart: async () => {
      await postgres.stop();
      await begin();
    },
    crash: async () => {
      await kill();
      await begin();
    },
    keepCopy: async () => {
      await postgres.stop();
      await rm(copy, { recursive: true, force: true });
      await promisify(execFile)('cp', ['-a', data, copy]);
      await begin();
    },
    failOver: async (standbyMs, onDead) => {
      await kill();
      onDead();
      await rm(data, { recursive: true });
      await rename(copy, data);
      await writeFile(join(data, 'standby.signal'), '');
      const begun = begin();
      let standby = await lockFile();
      for (; standby.status !== 'ready'; standby = await lockFile()) await delay(POLL_MS);
      const { pid, port } = standby;
      proxy.lead(urlOf({ ...postgres.address, port }));
      await delay(standbyMs);
      // As pg_ctl does it.
      await writeFile(join(data, 'promote'), '');
      process.kill(pid, 'SIGUSR1');
      await begun;
    },
    stop: async () => {
      await proxy.stop();
      await postgres.stop();
    },
  };
};
