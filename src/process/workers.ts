import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { startApp, type App, type AppOptions } from './app.js';
import type { Config } from '../config.js';
import type { ConnectionTarget } from '../db/connection.js';
import type { Log } from '../observability/log.js';
import { freePort } from '../db/embedded/free-port.js';
import { closeAll, openMigrated, openServices, type Closers } from './services.js';
import { cutUntaken } from './untaken.js';

export interface Workers {
  /** Where GraphQL is: `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /**
   * Lets every worker drain and stop, then stops what they used.
   * @throws when a worker did not end well
   */
  readonly stop: () => Promise<void>;
}

export interface WorkersOptions extends Pick<AppOptions, 'onFatal' | 'seed'> {
  readonly log: Log;
  /** How long the workers may take to end, in milliseconds; then they are killed. */
  readonly stopTimeoutMs: number;
}

/** Sent to a worker when it starts. A message, because an address with a password must appear neither in arguments nor in the environment. */
interface Assignment {
  readonly target: ConnectionTarget;
  readonly port: number;
}

/** Sent by a worker: that it listens to messages (earlier ones are lost), and where it serves. */
type Report = { readonly kind: 'listening' } | { readonly kind: 'serving'; readonly url: string };

/** The pause before a worker is replaced, in milliseconds: doubled each time that one dies soon after its start. */
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;
/** A worker that has lived this long does not die of what kills every new one, such as a wrong setting. */
const STEADY_MS = 10_000;

/**
 * Opens the database, migrated and filled, and starts `config.workers` processes that serve it behind one port; connections are given to
 * them in turn. A worker that dies is replaced.
 * @throws when a worker does not start
 */
export const startWorkers = async (config: Config, { log, onFatal, seed, stopTimeoutMs }: WorkersOptions): Promise<Workers> => {
  const closers: Closers = [];
  const living = new Set<Worker>();
  const replacements = new Set<NodeJS.Timeout>();
  let phase: 'starting' | 'serving' | 'stopping' = 'starting';
  let failed = false;
  let early = 0;

  const killAll = (): void => {
    for (const worker of living) worker.process.kill('SIGKILL');
  };
  // However this process ends, no worker is left behind.
  process.on('exit', killAll);

  const launch = (assignment: Assignment): Promise<string> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const worker = cluster.fork();
      cutUntaken(worker);
      let ready = false;
      living.add(worker);
      worker.on('error', (error) => log.warn({ err: error.message }, 'a worker cannot be spoken to'));
      worker.on('message', (report: Report) => {
        if (report.kind === 'listening') return void worker.send(assignment);
        ready = true;
        log.info({ pid: worker.process.pid }, 'a worker serves');
        resolve(report.url);
      });
      worker.once('exit', (code: number | null, signal: string | null) => {
        living.delete(worker);
        if (phase === 'stopping' && ready && code !== 0) failed = true;
        if (phase === 'serving') {
          log.error({ pid: worker.process.pid, code, signal }, 'a worker has died; another takes its place');
          early = performance.now() - startedAt < STEADY_MS ? early + 1 : 1;
          replace(assignment, Math.min(FIRST_BACKOFF_MS * 2 ** (early - 1), LAST_BACKOFF_MS));
        }
        if (!ready) reject(new Error(`A worker ended with ${signal ?? code} before it was ready.`));
      });
    });

  const replace = (assignment: Assignment, waitMs: number): void => {
    const timer = setTimeout(() => {
      replacements.delete(timer);
      // A worker that does not start has died as well, and is replaced like any other.
      launch(assignment).catch(() => undefined);
    }, waitMs);
    replacements.add(timer);
  };

  const allGone = async (): Promise<void> => {
    await Promise.all([...living].map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
  };

  const stop = async (): Promise<void> => {
    phase = 'stopping';
    for (const timer of replacements) clearTimeout(timer);
    for (const worker of living) worker.process.kill('SIGTERM');
    const impatience = setTimeout(killAll, stopTimeoutMs);
    await allGone();
    clearTimeout(impatience);
    process.off('exit', killAll);
    await closeAll(closers);
  };

  try {
    const target = await openMigrated(config, closers, { log, onFatal });
    const preparing: Closers = [];
    try {
      const services = await openServices(config, preparing, { log, target });
      await seed?.(services);
    } finally {
      await closeAll(preparing);
    }
    const assignment = { target, port: config.port === 0 ? await freePort(config.host) : config.port };
    const [url] = await Promise.all(Array.from({ length: config.workers }, () => launch(assignment)));
    phase = 'serving';
    if (url === undefined) throw new Error('There must be a worker.');
    let stopped: Promise<void> | null = null;
    return {
      url,
      stop: () =>
        (stopped ??= stop().then(() => {
          if (failed) throw new Error('A worker did not end well.');
        })),
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Serves as one of the processes of {@link startWorkers}, once told which database is theirs. */
export const startAsWorker = async (config: Config, log: Log): Promise<App> => {
  const told = once(process, 'message');
  const report = (message: Report): void => void process.send?.(message);
  report({ kind: 'listening' });
  const [{ target, port }] = (await told) as [Assignment];
  const app = await startApp({ ...config, port }, { log, target });
  report({ kind: 'serving', url: app.url });
  return app;
};
