import pg from 'pg';
import type { PostgresAddress } from '../../src/db/embedded/embedded.js';

/** What the transactions under way did, as the database sees them: how many of them at a time, on average. */
export interface Waits {
  /** Waited for a row that another one holds. */
  readonly lock: number;
  /** Waited for what they had written to be on the disk. */
  readonly disk: number;
  /** Waited for the server process to send the next statement. */
  readonly server: number;
  /** Were at work. */
  readonly work: number;
}

export interface Observed {
  readonly waits: Waits;
  /** How often the log was brought to the disk, and how long that took each time, in milliseconds. */
  readonly syncs: number;
  readonly syncMs: number;
}

export interface Observer {
  /** Looks at the database for as long as `work` takes. */
  readonly during: <Result>(work: () => Promise<Result>) => Promise<Result & { readonly observed: Observed }>;
  /** Whether a COMMIT waits for the disk, for all servers on the database. */
  readonly commitToDisk: (wanted: boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

const SAMPLE_MS = 10;

const LOOK = `
  SELECT count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock')::int AS lock,
    count(*) FILTER (WHERE state = 'active' AND wait_event ILIKE 'wal%')::int AS disk,
    count(*) FILTER (WHERE state = 'idle in transaction')::int AS server,
    count(*) FILTER (WHERE state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock' AND wait_event IS DISTINCT FROM 'ClientRead'
      AND coalesce(wait_event, '') NOT ILIKE 'wal%')::int AS work
  FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`;

const SYNCED = `SELECT sum(fsyncs)::float8 AS count, sum(fsync_time)::float8 AS ms FROM pg_stat_io WHERE object = 'wal'`;

/** Looks at a PostgreSQL over a connection of its own. */
export const createObserver = async (postgres: PostgresAddress): Promise<Observer> => {
  const client = new pg.Client({ ...postgres });
  await client.connect();
  const only = async <Row extends object>(sql: string): Promise<Row> => {
    const [row] = (await client.query<Row>(sql)).rows;
    if (row === undefined) throw new Error(`No row: ${sql}`);
    return row;
  };
  const set = async (setting: string): Promise<void> => {
    await client.query(`ALTER SYSTEM SET ${setting}`);
    await client.query('SELECT pg_reload_conf()');
  };
  await set('track_wal_io_timing = on');

  return {
    during: async (work) => {
      const before = await only<{ count: number; ms: number }>(SYNCED);
      const sum = { lock: 0, disk: 0, server: 0, work: 0 };
      let samples = 0;
      let over = false;
      const sampling = async (): Promise<void> => {
        for (; !over; samples += 1) {
          const seen = await only<Waits>(LOOK);
          for (const what of ['lock', 'disk', 'server', 'work'] as const) sum[what] += seen[what];
          await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
        }
      };
      const sampled = sampling();
      const result = await work().finally(() => (over = true));
      await sampled;
      const after = await only<{ count: number; ms: number }>(SYNCED);
      const syncs = after.count - before.count;
      const mean = (total: number): number => total / samples;
      const waits = { lock: mean(sum.lock), disk: mean(sum.disk), server: mean(sum.server), work: mean(sum.work) };
      return { ...result, observed: { waits, syncs, syncMs: (after.ms - before.ms) / syncs } };
    },
    commitToDisk: (wanted) => set(`synchronous_commit = ${wanted ? 'on' : 'off'}`),
    close: () => client.end(),
  };
};
