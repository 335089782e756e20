import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../kit/free-port.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { startChaosPostgres, type ChaosPostgres } from './postgres.js';

/** One server process, at an address that stays the same through its restarts. */
export interface Server {
  readonly name: string;
  /** Of GraphQL over HTTP. */
  readonly url: string;
  /** Starts it; it must not run. */
  readonly start: () => Promise<void>;
  /** Ends it with a signal: the exit code, null when the signal has ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
  /** Freezes it: its connections stay open, and nothing is answered. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Whether it says that it can serve. */
  readonly isReady: () => Promise<boolean>;
  /** All that it has printed, in all its lives. */
  readonly output: () => string;
}

/** Three servers, a PostgreSQL and a Redis, all on the loopback address. */
export interface Cluster {
  readonly servers: readonly Server[];
  readonly postgres: ChaosPostgres;
  readonly redis: TestRedis;
  /** Resolves with the names of those that are not ready, when all are or the time is up. */
  readonly notReady: (timeoutMs: number) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

const SERVERS = 3;
const STARTS = 5;
const POLL_MS = 100;

/** @param onEnd called when a server ends that nobody has ended */
export const startCluster = async (onEnd: (server: string, code: number | null) => void): Promise<Cluster> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-chaos-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    const postgres = await startChaosPostgres(dataDir);
    closers.push(postgres.stop);
    const redis = await startRedis();
    closers.push(() => redis.stop());
    const env = {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      DRAIN_MS: '1500',
      JWT_ACCESS_TTL_SECONDS: '86400',
      RATE_LIMIT_FACTOR: '0',
      MAX_SOCKETS_PER_ADDRESS: '100000',
    };
    const servers: Server[] = [];
    for (let n = 1; n <= SERVERS; n += 1) {
      const name = `server ${n}`;
      const server = createServer(name, await freePort(), env, (code) => onEnd(name, code));
      servers.push(server);
      // The first one alone makes the key that all use.
      await server.start();
      closers.push(() => server.end('SIGKILL'));
    }
    const notReady = async (timeoutMs: number): Promise<readonly string[]> => {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const states = await Promise.all(servers.map(async (server) => ({ name: server.name, ready: await server.isReady() })));
        const names = states.filter(({ ready }) => !ready).map(({ name }) => name);
        if (names.length === 0 || performance.now() > deadline) return names;
        await delay(POLL_MS);
      }
    };
    return { servers, postgres, redis, notReady, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** As whatever runs servers does it: one that gives up at its start, since the database does not answer yet, is started again. */
const supervise = async <Process>(start: () => Promise<Process>): Promise<Process> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt >= STARTS) throw error;
      await delay(POLL_MS);
    }
  }
};

const createServer = (name: string, port: number, env: Readonly<Record<string, string>>, onEnd: (code: number | null) => void): Server => {
  let present: ServerProcess | null = null;
  let earlier = '';
  const url = `http://127.0.0.1:${port}/graphql`;
  return {
    name,
    url,
    start: async () => {
      const started = await supervise(() => startServerProcess({ ...env, PORT: String(port) }));
      present = started;
      started.child.once('exit', (code) => {
        if (present !== started) return;
        earlier += started.output();
        present = null;
        onEnd(code);
      });
    },
    end: async (signal) => {
      const ending = present;
      if (ending === null) return null;
      present = null;
      const code = await ending.end(signal);
      earlier += ending.output();
      return code;
    },
    pause: () => void present?.child.kill('SIGSTOP'),
    resume: () => void present?.child.kill('SIGCONT'),
    isReady: async () => {
      try {
        return (await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(2_000) })).ok;
      } catch {
        return false;
      }
    },
    output: () => earlier + (present?.output() ?? ''),
  };
};
