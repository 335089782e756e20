import type { Server } from './cluster.js';
import type { Random } from './random.js';
import type { Reader } from './reader.js';
import { rest, type Stage } from './scene.js';

/** What a fault is done to. */
export interface Target extends Stage {
  readonly readers: readonly Reader[];
}

/** Something that happens to a deployment. It ends as it began: what was broken is whole again, or about to be. */
export type Fault = (target: Target, random: Random) => Promise<void>;

const oneOf = ({ cluster }: Target, random: Random): Server => random.pick(cluster.servers);

/** Ends a server gently and starts it again. */
const replace = async ({ ledger }: Target, server: Server): Promise<void> => {
  const code = await server.end('SIGTERM');
  if (code !== 0) ledger.find('process', `${server.name} was told to stop and ended with ${code}`);
  await server.start();
};

/** How long what acknowledges a commit may be under way to its writer, in milliseconds. */
const UNDER_WAY_MS = 500;

/** Writes fail with a state of PostgreSQL, such as that of a full disk; what is read stays as it is. */
const FULL = `
  CREATE OR REPLACE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = '53100';
  END $$;
  CREATE OR REPLACE TRIGGER chaos_full BEFORE INSERT OR UPDATE ON message FOR EACH STATEMENT EXECUTE FUNCTION chaos_full();
  CREATE OR REPLACE TRIGGER chaos_full BEFORE INSERT OR UPDATE ON comment FOR EACH STATEMENT EXECUTE FUNCTION chaos_full();
  CREATE OR REPLACE TRIGGER chaos_full BEFORE INSERT OR UPDATE ON event FOR EACH STATEMENT EXECUTE FUNCTION chaos_full();`;
const ROOM_AGAIN = 'DROP TRIGGER chaos_full ON message; DROP TRIGGER chaos_full ON comment; DROP TRIGGER chaos_full ON event';

const changeColumn = async ({ cluster }: Target, table: string, type: string): Promise<void> => {
  await cluster.postgres.query(`ALTER TABLE ${table} ALTER COLUMN body TYPE ${type}`);
};

export const FAULTS: Readonly<Record<string, Fault>> = {
  'server-killed': async (target, random) => {
    const server = oneOf(target, random);
    await server.end('SIGKILL');
    await rest(random.between(200, 2_000), target.leave);
    await server.start();
  },
  'server-paused': async (target, random) => {
    const server = oneOf(target, random);
    server.pause();
    await rest(random.between(1_000, 5_000), target.leave);
    server.resume();
  },
  'server-restarted': async (target, random) => {
    await replace(target, oneOf(target, random));
  },
  'servers-rolled': async (target) => {
    for (const server of target.cluster.servers) await replace(target, server);
  },
  'clients-cut': async (target, random) => {
    for (let times = random.between(2, 5); times > 0; times -= 1) {
      for (const reader of target.readers) if (random.next() < 0.7) reader.cut();
      await rest(random.between(100, 800), target.leave);
    }
  },
  'backends-terminated': async (target, random) => {
    for (let times = random.between(1, 4); times > 0; times -= 1) {
      await target.cluster.postgres.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
      );
      await rest(random.between(100, 800), target.leave);
    }
  },
  'postgres-cut-off': async ({ cluster, leave }, random) => {
    await cluster.postgres.proxy.refuse();
    await rest(random.between(500, 4_000), leave);
    await cluster.postgres.proxy.resume();
  },
  'postgres-paused': async ({ cluster, leave }, random) => {
    cluster.postgres.proxy.blackHole();
    await rest(random.between(1_000, 6_000), leave);
    await cluster.postgres.proxy.resume();
  },
  'postgres-restarted': async ({ cluster }) => {
    await cluster.postgres.restart();
  },
  'postgres-crashed': async ({ cluster }) => {
    await cluster.postgres.crash();
  },
  'disk-full': async ({ cluster, leave }, random) => {
    await cluster.postgres.query(FULL);
    await rest(random.between(1_000, 4_000), leave);
    await cluster.postgres.query(ROOM_AGAIN);
  },
  'read-only': async ({ cluster, leave }, random) => {
    await cluster.postgres.query('ALTER SYSTEM SET default_transaction_read_only = on');
    await cluster.postgres.query('SELECT pg_reload_conf()');
    await rest(random.between(1_000, 4_000), leave);
    await cluster.postgres.query('ALTER SYSTEM RESET default_transaction_read_only');
    await cluster.postgres.query('SELECT pg_reload_conf()');
  },
  'column-changed': async (target, random) => {
    for (const table of random.shuffle(['message', 'comment'])) {
      await changeColumn(target, table, 'varchar(2000)');
      await rest(random.between(500, 2_000), target.leave);
      await changeColumn(target, table, 'text');
      await rest(random.between(500, 2_000), target.leave);
    }
  },
  'redis-killed': async ({ cluster, leave }, random) => {
    await cluster.redis.kill();
    await rest(random.between(500, 5_000), leave);
    await cluster.redis.restart();
  },
  'redis-paused': async ({ cluster, leave }, random) => {
    cluster.redis.pause();
    await rest(random.between(500, 5_000), leave);
    cluster.redis.resume();
  },
  'redis-restarted': async ({ cluster }) => {
    await cluster.redis.restart();
  },
  'database-set-back': async ({ cluster, ledger, leave }, random) => {
    const { postgres } = cluster;
    // Its clock begins before the copy: what is acknowledged while PostgreSQL stops may be on either side of it.
    const close = ledger.setBack();
    await postgres.keepCopy();
    await rest(random.between(2_000, 4_000), leave);
    await postgres.failOver(random.between(200, 1_500), () => void setTimeout(close, UNDER_WAY_MS));
  },
};

/**
 * The order in which faults happen: each once before any comes again.
 */
export function* faultsInTurn(
  names: readonly string[],
  random: Random,
): Generator<{ readonly name: string; readonly fault: Fault; readonly random: Random }> {
  for (;;) {
    for (const name of random.shuffle(names)) {
      const fault = FAULTS[name];
      if (fault === undefined) throw new Error(`There is no fault ${name}: ${Object.keys(FAULTS).join(', ')}`);
      yield { name, fault, random: random.fork() };
    }
  }
}
