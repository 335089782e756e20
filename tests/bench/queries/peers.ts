/** The servers that are compared, each a process of its own on one database. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join, resolve } from 'node:path';
import { startServerProcess, type Program, type ServerProcess } from '../../kit/process.js';
import { createFunctions } from './functions.js';
import { fetchPostGraphile } from './postgraphile.js';
import type { Dialect } from './words.js';

export const LYCEUM = 'lyceum';
/** The same, which shares what runs at the same time and keeps nothing. */
export const SHARED = 'lyceum shared';
/** The same as it is by default: answers are kept. */
export const KEPT = 'lyceum kept';
/** The Lyceum of another checkout. */
export const BEFORE = 'lyceum before';

/** One server under comparison. */
export interface Peer {
  readonly name: string;
  readonly dialect: Dialect;
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface Standing {
  readonly databaseUrl: string;
  readonly dataDir: string;
}

/** What every Lyceum of a run is set to: all who ask come from one address, and nobody is refused for asking much. */
const lyceumEnv = ({ databaseUrl, dataDir }: Standing): Record<string, string> => ({
  NODE_ENV: 'production',
  DATABASE_URL: databaseUrl,
  DATA_DIR: dataDir,
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  DRAIN_MS: '0',
  RATE_LIMIT_FACTOR: '0',
});

/** The ways in which this checkout's Lyceum plays, by the settings beside those: one line for each. */
const LYCEUMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [LYCEUM]: { QUERY_CACHE_BYTES: '0' },
  // No answer is as small as its sixteenth.
  [SHARED]: { QUERY_CACHE_BYTES: '1' },
  [KEPT]: {},
};

export const PEERS: readonly string[] = [...Object.keys(LYCEUMS), BEFORE, 'postgraphile', 'mercurius', 'bare', 'yoga'];

const peerOf = (name: string, dialect: Dialect, server: ServerProcess): Peer => ({
  name,
  dialect,
  url: server.url,
  pid: server.child.pid ?? Number.NaN,
  stop: async () => {
    await server.end('SIGTERM');
  },
});

const mainOf = (checkout: string): Program => ({ args: ['--enable-source-maps', join(resolve(checkout), 'dist', 'main.js')] });
const HERE = fileURLToPath(new URL('../../..', import.meta.url));

/** The Lyceums of this checkout. */
const isOwn = (name: string): boolean => Object.hasOwn(LYCEUMS, name);
export const isLyceum = (name: string): boolean => isOwn(name) || name === BEFORE;

/**
 * Starts a server.
 * @param against the checkout of {@link BEFORE}, which is built already
 * @returns null where it cannot be had
 */
export const startPeer = async (
  name: string,
  standing: Standing,
  against: string | null,
  say: (what: string) => void,
): Promise<Peer | null> => {
  if (isLyceum(name)) {
    const env = { ...lyceumEnv(standing), ...LYCEUMS[name] };
    return peerOf(name, 'lyceum', await startServerProcess(env, mainOf(isOwn(name) ? HERE : (against ?? HERE))));
  }
  const env = {
    NODE_ENV: 'production',
    DATABASE_URL: standing.databaseUrl,
    BENCH_KEY: join(standing.dataDir, 'jwt-key.pem'),
  };
  const program = ['--import', import.meta.resolve('tsx'), fileURLToPath(new URL(`./servers/${name}.ts`, import.meta.url))];
  if (name !== 'postgraphile') return peerOf(name, name as Dialect, await startServerProcess(env, { args: program }));
  const fetched = await fetchPostGraphile(say);
  if (fetched === null) return null;
  const { folder, node } = fetched;
  await createFunctions(standing.databaseUrl);
  const ownEnv = { ...env, GRAPHILE_ENV: 'production', BENCH_PEERS: folder };
  return peerOf(name, name, await startServerProcess(ownEnv, { node, args: program }));
};

/** Where the migrations of a checkout are. */
export const migrationsOf = (checkout: string | null): URL => new URL('prisma/migrations/', pathToFileURL(`${resolve(checkout ?? HERE)}/`));
