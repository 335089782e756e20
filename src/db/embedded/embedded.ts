import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../observability/log.js';
import { DRAFT_PREFIX, findLauncher, programOf, runCommand, type Launcher } from './binaries.js';
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
  /** Ends every connection and PostgreSQL itself; resolves when it has ended. Safe to call again. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: Log;
  /** True by default. False is fast, for tests: a crash of the machine (not of a process) may ruin the database. */
  readonly durable?: boolean;
  /** 100 by default. */
  readonly maxConnections?: number;
  /** Called once when PostgreSQL ends without having been told to. `dataDir` is free again by then. */
  readonly onExit?: (reason: string) => void;
}

/**
 * Starts the PostgreSQL under `dataDir`, creating folder, cluster and database at first. It listens on the loopback
 * address only, on a free port, and ends with this process (on Linux: with the calling thread) where the system allows.
 *
 * Whatever an earlier process left behind, even one that was killed at any moment, is dealt with first: a PostgreSQL
 * that outlived it is stopped, half-made files are removed.
 *
 * @throws {EmbeddedPostgresBusy} when a live process runs it already. Of several that start at once exactly one wins.
 * @throws {Error} with PostgreSQL's own last words when it does not start.
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
      // An earlier start may have been interrupted here, or may have run as root in a user namespace.
      await runCommand(['chown', '-R', `${launcher.user.uid}:${launcher.user.gid}`, clusterFolder(dataDir)]);
    }
    const data = join(clusterFolder(dataDir), 'data');
    const server = await startServer(launcher, data, durable, options.maxConnections ?? 100, options.log);
    const address = await Promise.all([
      readAddress(dataDir, server.port),
      claim.update({ state: 'running', postmaster: server.pid, port: server.port }),
    ]).then(
      ([found]) => found,
      async (error: unknown) => {
        await server.stop();
        throw error;
      },
    );
    // What cannot be recorded (on a full disk, say) must not keep PostgreSQL from being stopped.
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
    // The first error is the one to tell.
    await claim.update({ state: 'released' }).catch(() => undefined);
    throw error;
  }
};

/**
 * The address of the PostgreSQL that a live Lyceum process runs under `dataDir`, or null when none runs. For the
 * command line, which may use a running server's database for its short life; the database ends when that server does.
 */
export const findRunningPostgres = async (dataDir: string): Promise<PostgresAddress | null> => {
  const owner = await liveOwner(ownerFolder(dataDir));
  if (owner === null || owner.state !== 'running' || owner.port === null || owner.postmaster === null) return null;
  return (await lifeOf(owner.postmaster)) === null ? null : readAddress(dataDir, owner.port);
};

const ownerFolder = (dataDir: string): string => join(dataDir, 'postgres-owner');
/** Holds `data`, the cluster, and `password`, made together. */
const clusterFolder = (dataDir: string): string => join(dataDir, 'postgres');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const readAddress = async (dataDir: string, port: number): Promise<PostgresAddress> => ({
  host: HOST,
  port,
  user: USER,
  password: (await readFile(join(clusterFolder(dataDir), 'password'), 'utf8')).trim(),
  database: DATABASE,
});

const sweepDrafts = async (dataDir: string): Promise<void> => {
  const drafts = (await readdir(dataDir)).filter((name) => name.startsWith(DRAFT_PREFIX));
  await Promise.all(drafts.map((name) => rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 })));
};

/** Makes everything under another name and renames it when whole: an interrupted first start leaves no half cluster. */
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
    // The built-in provider knows upper and lower case of all letters, the same on every system; C only that of ASCII.
    await run('initdb', [
      ...['-D', data, '-U', USER, '--no-locale', '-E', 'UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...['--auth=scram-sha-256', `--pwfile=${password}`, '--no-instructions', ...(durable ? [] : ['--no-sync'])],
    ]);
    const single = ['--single', '-D', data, '-c', 'exit_on_error=on', ...fast, 'postgres'];
    await run('postgres', single, `CREATE DATABASE ${DATABASE}\n`);
    await rename(draft, clusterFolder(dataDir));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The embedded PostgreSQL could not be created in ${dataDir}: ${reason}`, { cause: error });
  }
  if (durable) await syncFolder(dataDir);
};

/** Makes the renaming itself last: without it a power failure could take the cluster with all that was acknowledged. */
const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
