import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { queryAt, urlOf } from './postgres-address.js';
import { startProxy, type Proxy } from './proxy.js';

/** A PostgreSQL of a suite's own, an empty one, which may be harmed as a whole. It is reached through a proxy, since it may come back on another port. */
export interface TestPostgres {
  readonly url: string;
  readonly proxy: Proxy;
  /** Runs one statement past the proxy. */
  readonly query: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>;
  /** Freezes it, all of its processes: connections stay open, new ones are accepted by the kernel, and nothing is answered. */
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Ends every connection of clients but the one that asks. */
  readonly terminateBackends: () => Promise<void>;
  /** Refuses or takes writes from the next statement on, of every connection. */
  readonly setReadOnly: (mode: 'on' | 'off') => Promise<void>;
  /** Stops it gently, as an operator does. */
  readonly end: () => Promise<void>;
  /** Starts it after `end`. */
  readonly begin: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export const startPostgres = async (): Promise<TestPostgres> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-postgres-'));
  const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false });
  let postgres = await start();
  const proxy = await startProxy(urlOf(postgres.address));
  let paused: readonly number[] = [];

  const query: TestPostgres['query'] = (sql, values) => queryAt(postgres.address, sql, values);
  const resume = (): void => {
    for (const pid of paused) signal(pid, 'SIGCONT');
    paused = [];
  };
  return {
    url: proxy.url,
    proxy,
    query,
    pause: async () => {
      const postmaster = Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
      // Its parent first, which would make further ones.
      signal(postmaster, 'SIGSTOP');
      paused = [postmaster, ...(await childrenOf(postmaster))];
      for (const pid of paused) signal(pid, 'SIGSTOP');
    },
    resume: async () => resume(),
    terminateBackends: async () => {
      await query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
    },
    setReadOnly: async (mode) => {
      await query(`ALTER SYSTEM SET default_transaction_read_only = ${mode}`);
      await query('SELECT pg_reload_conf()');
    },
    end: () => postgres.stop(),
    begin: async () => {
      postgres = await start();
      proxy.lead(urlOf(postgres.address));
    },
    stop: async () => {
      resume();
      await proxy.stop();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // One of its processes has ended meanwhile.
  }
};

const childrenOf = async (parent: number): Promise<number[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []));
};
