import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnknownLocale } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';
import { DRAFT_PREFIX, findLauncher, programOf, runCommand, type Launcher } from './binaries.js';
import { CTYPES, learnLanguages } from './languages.js';
import { claimOwnership, EmbeddedPostgresBusy, lifeOf, liveOwner, type Claim } from './owner.js';
import { HOST, startServer } from './server.js';

export { EmbeddedPostgresBusy };

const USER = 'lyceum';
const DATABASE = 'lyceum';

export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface EmbeddedPostgres {
  readonly address: PostgresAddress;
  /** Stops PostgreSQL and with it every connection; resolves when it has exited. It may be called again. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: Log;
  /**
   * Whether commits are flushed to disk; true by default. False is for tests: it is fast, but a crash of the machine (not of a process) may
   * destroy the database.
   */
  readonly durable?: boolean;
  /** 100 by default. */
  readonly maxConnections?: number;
  /** Called once if PostgreSQL exits without having been stopped. By then `dataDir` may be used again. */
  readonly onExit?: (reason: string) => void;
}

/**
 * Starts the PostgreSQL under `dataDir`; at the first start it creates the folder, the cluster and the database. It listens on a free port
 * of the loopback address only. Where the system supports it, it stops when this process (on Linux: the calling thread) ends.
 *
 * Remains of an earlier process, even of one that was killed at any moment, are cleaned up first: a PostgreSQL that is still running is
 * stopped, and incomplete files are removed.
 *
 * @throws {EmbeddedPostgresBusy} when another live process runs this database; of several that start at once exactly one succeeds
 * @throws {Error} with PostgreSQL's last output when it does not start
 */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const claim = await claimOwnership(ownerFolder(dataDir));
  try {
    await sweepDrafts(dataDir);
    const launcher = await findLauncher(dataDir, clusterFolder(dataDir));
    const durable = options.durable ?? true;
    if (!(await exists(join(clusterFolder(dataDir), 'data', 'PG_VERSION')))) {
      options.log.info({ dataDir }, 'creating the embedded PostgreSQL');
      await createCluster(launcher, dataDir, durable);
    } else if (launcher.user !== null) {
      // The owner may be wrong when an earlier start was interrupted here or ran as root in a user namespace.
      await runCommand(['chown', '-R', `${launcher.user.uid}:${launcher.user.gid}`, clusterFolder(dataDir)]);
    }
    const data = join(clusterFolder(dataDir), 'data');
    const server = await startServer(launcher, data, durable, options.maxConnections ?? 100, options.log);
    const open = async (): Promise<PostgresAddress> => {
      const found = await readAddress(dataDir, server.port);
      await learnLanguages(found, options.log);
      // From here on the command line finds it.
      await claim.update({ state: 'running', postmaster: server.pid, port: server.port });
      return found;
    };
    const address = await open().catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    // A failure to write the record (on a full disk, for example) must not keep PostgreSQL from being stopped.
    const record = (change: Parameters<Claim['update']>[0]): Promise<void> =>
      claim.update(change).catch((error: unknown) => options.log.warn({ err: error }, 'DATA_DIR cannot be written'));
    let stopping: Promise<void> | null = null;
    void server.exited.then(async (reason) => {
      if (stopping !== null) return;
      stopping = record({ state: 'released', postmaster: null, port: null });
      await stopping;
      options.onExit?.(reason);
    });
    return {
      address,
      stop: () =>
        (stopping ??= (async () => {
          await record({ state: 'stopping' });
          await server.stop();
          await record({ state: 'released', postmaster: null, port: null });
        })()),
    };
  } catch (error) {
    // A failure to release must not hide the first error.
    await claim.update({ state: 'released' }).catch(() => undefined);
    throw error;
  }
};

/**
 * The address of the PostgreSQL that another live Lyceum process runs under `dataDir`, or null when none does. It lets the command line use
 * the database of a running server; it stops together with that server.
 */
export const findRunningPostgres = async (dataDir: string): Promise<PostgresAddress | null> => {
  const owner = await liveOwner(ownerFolder(dataDir));
  if (owner === null || owner.state !== 'running' || owner.port === null || owner.postmaster === null) return null;
  return (await lifeOf(owner.postmaster)) === null ? null : readAddress(dataDir, owner.port);
};

const ownerFolder = (dataDir: string): string => join(dataDir, 'postgres-owner');
/** The folder of `data` (the cluster) and `password`, which are created together. */
const clusterFolder = (dataDir: string): string => join(dataDir, 'postgres');

/** Where the password of the one who started it is kept. */
export const passwordFile = (dataDir: string): string => join(clusterFolder(dataDir), 'password');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const readAddress = async (dataDir: string, port: number): Promise<PostgresAddress> => ({
  host: HOST,
  port,
  user: USER,
  password: (await readFile(passwordFile(dataDir), 'utf8')).trim(),
  database: DATABASE,
});

const sweepDrafts = async (dataDir: string): Promise<void> => {
  const drafts = (await readdir(dataDir)).filter((name) => name.startsWith(DRAFT_PREFIX));
  await Promise.all(drafts.map((name) => rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 })));
};

/** Creates the cluster under a temporary name and renames it when complete, so an interrupted first start leaves no partial cluster. */
const createCluster = async (launcher: Launcher, dataDir: string, durable: boolean): Promise<void> => {
  const draft = await mkdtemp(join(dataDir, DRAFT_PREFIX));
  const password = join(draft, 'password');
  const data = join(draft, 'data');
  try {
    await writeFile(password, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flush: durable });
    if (launcher.user !== null) {
      await chown(draft, launcher.user.uid, launcher.user.gid);
      await chown(password, launcher.user.uid, launcher.user.gid);
    }
    const run = (name: 'initdb' | 'postgres', args: readonly string[], input = ''): Promise<void> =>
      runCommand([...launcher.prefix, programOf(launcher.bin, name), ...args], input);
    const fast = durable ? [] : ['-c', 'fsync=off'];
    // The builtin provider handles upper and lower case of all letters, the same on every system; C only those of ASCII.
    const initialise = (ctype: string): Promise<void> =>
      run('initdb', [
        ...[
          '-D',
          data,
          '-U',
          USER,
          '--locale=C',
          `--lc-ctype=${ctype}`,
          '-E',
          'UTF8',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
        ],
        ...['--auth=scram-sha-256', `--pwfile=${password}`, '--no-instructions', ...(durable ? [] : ['--no-sync'])],
      ]);
    for (const ctype of CTYPES) {
      const isMade = await initialise(ctype).then(
        () => true,
        (error: unknown) => {
          // It has written nothing yet.
          if (!isUnknownLocale(error)) throw error;
          return false;
        },
      );
      if (isMade) break;
    }
    const single = ['--single', '-D', data, '-c', 'exit_on_error=on', ...fast, 'postgres'];
    // eslint-disable-next-line no-restricted-syntax -- a constant; there are no parameters here
    await run('postgres', single, `CREATE DATABASE ${DATABASE}\n`);
    await rename(draft, clusterFolder(dataDir));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The embedded PostgreSQL could not be created in ${dataDir}: ${reason}`, { cause: error });
  }
  if (durable) await syncFolder(dataDir);
};

/**
 * Flushes a folder to disk, so that a rename in it survives a power failure. Without it the cluster could be lost with everything that was
 * acknowledged.
 */
const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
