/** What a run stands on: a database that is full, the servers on it, those who are signed in, and the one who asks. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../../src/clock.js';
import { loadConfig } from '../../../src/config.js';
import { applyMigrations } from '../../../src/db/migrate.js';
import { tokensWith } from '../../kit/tokens.js';
import { createLog } from '../../../src/observability/log.js';
import { queryAt, urlOf } from '../../kit/postgres-address.js';
import { startChild } from '../child.js';
import { createWorld, type World } from '../world.js';
import type { QueryClient } from './client.js';
import { BEFORE, migrationsOf, startPeer, type Peer } from './peers.js';
import { postmasterOf } from './processes.js';
import type { Table } from './rounds.js';
import { idOf, seed, type Amounts } from './seed.js';

export interface Stage {
  readonly world: World;
  readonly peers: readonly Peer[];
  readonly table: Table;
  readonly close: () => Promise<void>;
}

export interface StageOptions {
  readonly amounts: Amounts;
  readonly peers: readonly string[];
  readonly against: string | null;
  readonly durable: boolean;
  readonly say: (what: string) => void;
}

/** Of the users at the first places. Whoever has the key in the folder takes them: every Lyceum, and the others. */
const signIn = async (dataDir: string, viewers: number): Promise<string[]> => {
  const config = loadConfig({ NODE_ENV: 'production', JWT_ACCESS_TTL_SECONDS: '86400' });
  const tokens = await tokensWith(await readFile(join(dataDir, 'jwt-key.pem'), 'utf8'), config, systemClock);
  const issue = async (n: number) => (await tokens.issue({ userId: idOf('user', n), sessionId: idOf('session', n) })).token;
  return await Promise.all(Array.from({ length: viewers }, (_, n) => issue(n)));
};

/** Another database beside that of the run, for a checkout whose tables are others. */
const otherDatabase = async (world: World, name: string): Promise<string> => {
  await queryAt(world.postgres, `CREATE DATABASE ${name}`);
  return urlOf({ ...world.postgres, database: name });
};

export const setStage = async ({ amounts, peers: names, against, durable, say }: StageOptions): Promise<Stage> => {
  const world = await createWorld({ durable });
  const client = await startChild<QueryClient>('./queries/client.ts');
  const peers: Peer[] = [];
  const close = async (): Promise<void> => {
    await client.stop();
    await Promise.all(peers.map((peer) => peer.stop()));
    await world.close();
  };
  try {
    const fill = async (url: string, checkout: string | null): Promise<string> => {
      await applyMigrations({ connectionString: url }, { directory: migrationsOf(checkout), log: createLog('silent') });
      await seed(url, amounts);
      return url;
    };
    say(`filling the database: ${amounts.entries} entries, ${amounts.posts} posts, ${amounts.posts * amounts.commentsOfPost} comments`);
    const databaseUrl = await fill(urlOf(world.postgres), null);
    const sameTables = against === null || isDeepStrictEqual(await readdir(migrationsOf(against)), await readdir(migrationsOf(null)));
    if (!sameTables) say('the tables of the other checkout are others: it gets a database of its own');
    const beforeUrl = sameTables ? databaseUrl : await fill(await otherDatabase(world, 'before'), against);
    const tokens = await signIn(world.dataDir, amounts.viewers);
    for (const name of names) {
      if (name === BEFORE && against === null) continue;
      const standing = { databaseUrl: name === BEFORE ? beforeUrl : databaseUrl, dataDir: world.dataDir };
      const peer = await startPeer(name, standing, against, say);
      if (peer) peers.push(peer);
    }
    return { world, peers, table: { client, postmaster: await postmasterOf(world.dataDir), tokens }, close };
  } catch (error) {
    await close();
    throw error;
  }
};
