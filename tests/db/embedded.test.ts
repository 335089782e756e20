import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  EmbeddedPostgresBusy,
  findRunningPostgres,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type PostgresAddress,
} from '../../src/db/embedded/embedded.js';
import { lifeOf, liveOwner } from '../../src/db/embedded/owner.js';
import { createLog } from '../../src/observability/log.js';

const TIMEOUT_MS = 30_000;
const onLinux = process.platform === 'linux';
const asRoot = onLinux && process.geteuid?.() === 0;

let root: string;
/** A data directory with an empty database, copied for each test because making one takes long. */
let template: string;
let count = 0;
const running: EmbeddedPostgres[] = [];
const processes: ChildProcess[] = [];

const start = async (dataDir: string, more: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> => {
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false, ...more });
  running.push(postgres);
  return postgres;
};

const freshDataDir = async (): Promise<string> => {
  const dataDir = join(root, `data-${(count += 1)}`);
  await cp(template, dataDir, { recursive: true });
  return dataDir;
};

const query = async (address: PostgresAddress, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new Client({ ...address });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};

const postmasterPid = async (dataDir: string): Promise<number> =>
  Number.parseInt(await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);

const isRunning = async (pid: number): Promise<boolean> => (await lifeOf(pid)) !== null;

/** A folder that is the whole PATH of a process which finds these tools and no others. */
const folderOfTools = async (...tools: string[]): Promise<string> => {
  const folder = join(root, `tools-${(count += 1)}`);
  await mkdir(folder);
  for (const tool of tools) {
    const path = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { encoding: 'utf8' }).trim();
    await symlink(path, join(folder, tool));
  }
  return folder;
};

interface Line {
  readonly started?: number;
  readonly busy?: number;
  readonly acknowledged?: number;
}

/** Starts embedded-process.ts in a process of its own. */
const startProcess = (dataDir: string, ...more: string[]): { child: ChildProcess; lines: AsyncIterator<Line> } => {
  const script = fileURLToPath(new URL('embedded-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  const lines = async function* (): AsyncGenerator<Line> {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Line;
  };
  return { child, lines: lines() };
};

/** Kills a process that writes rows as hard as can be, and gives the last row it knew to be committed. */
const killWhileWriting = async ({ child, lines }: ReturnType<typeof startProcess>): Promise<number> => {
  // The end of its output comes a moment before its end.
  const exit = once(child, 'exit');
  let last = 0;
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    last = line.value.acknowledged ?? last;
    if (last === 200) child.kill('SIGKILL');
  }
  await exit;
  return last;
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lyceum-embedded-'));
  template = join(root, 'template');
  await (await start(template)).stop();
}, TIMEOUT_MS);

afterEach(async () => {
  await Promise.all(running.splice(0).map((postgres) => postgres.stop()));
  await Promise.all(
    processes.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }),
  );
});

afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

/** Has a running cluster be like those of earlier releases, whose LC_CTYPE is C, with an index of words that sees no other letters. */
const makeBlind = async (address: PostgresAddress): Promise<void> => {
  await query(address, `UPDATE pg_database SET datctype = 'C'`);
  await query(
    address,
    `CREATE EXTENSION pg_trgm; CREATE TABLE note (body text);
     INSERT INTO note SELECT 'Заметка ' || n || CASE WHEN n = 77 THEN ' про сову' ELSE '' END FROM generate_series(1, 2000) n;
     CREATE INDEX note_words ON note USING gin (body gin_trgm_ops); ALTER DATABASE lyceum SET enable_seqscan = off`,
  );
};

/** What an index of words finds, and how many rows it has to look at for that. */
const findByWords = async (address: PostgresAddress): Promise<{ readonly found: number; readonly inVain: number }> => {
  const [row] = await query(address, `EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF) SELECT * FROM note WHERE body LIKE '%сову%'`);
  const [{ Plan: plan }] = row?.['QUERY PLAN'] as [{ Plan: Record<string, number> }];
  return { found: plan['Actual Rows'] ?? 0, inVain: plan['Rows Removed by Index Recheck'] ?? 0 };
};

describe('the letters of all languages', () => {
  it('are seen by the indexes of words of a new folder, and ordered by names', async () => {
    const { address } = await start(await freshDataDir());
    await query(address, 'CREATE EXTENSION pg_trgm');
    expect(await query(address, `SELECT cardinality(show_trgm('é')) > 0 AS seen`)).toEqual([{ seen: true }]);
    const ordered = await query(
      address,
      `SELECT string_agg(name, ' ' ORDER BY name COLLATE "und-x-icu") AS names FROM unnest(ARRAY['Zebra', 'apple', 'Äpfel']) name`,
    );
    expect(ordered).toEqual([{ names: 'Äpfel apple Zebra' }]);
  });

  it('are learnt by a folder of an earlier release, although the first start with this one was cut off', async () => {
    const dataDir = await freshDataDir();
    const earlier = await start(dataDir);
    await makeBlind(earlier.address);
    expect(await findByWords(earlier.address)).toEqual({ found: 1, inVain: 1_999 });
    await earlier.stop();

    const now = await start(dataDir);
    expect(await findByWords(now.address)).toEqual({ found: 1, inVain: 0 });
    // As if the process had ended before the indexes were made anew.
    await query(now.address, `ALTER DATABASE lyceum SET lyceum.reindex = 'yes'; DROP INDEX note_words`);
    await query(now.address, `UPDATE pg_database SET datctype = 'C'`);
    await query(now.address, 'CREATE INDEX note_words ON note USING gin (body gin_trgm_ops)');
    await query(now.address, `UPDATE pg_database SET datctype = 'C.UTF-8'`);
    await now.stop();

    const { address } = await start(dataDir);
    expect(await findByWords(address)).toEqual({ found: 1, inVain: 0 });
    expect(await query(address, `SELECT current_setting('lyceum.reindex', true) AS unfinished`)).toEqual([{ unfinished: null }]);
  });

  it('are ordered anew after another build of PostgreSQL has taken a folder over', async () => {
    const dataDir = await freshDataDir();
    const before = await start(dataDir);
    await query(before.address, `UPDATE pg_collation SET collversion = 'earlier' WHERE collname = 'und-x-icu'`);
    await before.stop();
    const { address } = await start(dataDir);
    const version = `SELECT collversion = pg_collation_actual_version(oid) AS same FROM pg_collation WHERE collname = 'und-x-icu'`;
    expect(await query(address, version)).toEqual([{ same: true }]);
  });
});

describe('the embedded PostgreSQL', { timeout: TIMEOUT_MS }, () => {
  it('keeps its data over a restart, speaks UTF-8 and UTC, and ends when stopped', async () => {
    const dataDir = await freshDataDir();
    const first = await start(dataDir);
    await query(first.address, "CREATE TABLE note (text text); INSERT INTO note VALUES ('Ünïcödé 🏛')");
    const pid = await postmasterPid(dataDir);
    await Promise.all([first.stop(), first.stop()]);
    expect(await isRunning(pid)).toBe(false);

    const second = await start(dataDir);
    const sql = "SELECT upper(text) AS text, current_setting('timezone') AS zone FROM note";
    const rows = await query(second.address, sql);
    expect(rows).toEqual([{ text: 'ÜNÏCÖDÉ 🏛', zone: 'UTC' }]);
    expect(second.address).toMatchObject({ host: '127.0.0.1', user: 'lyceum', database: 'lyceum' });
    expect((await stat(join(dataDir, 'postgres', 'password'))).mode & 0o777).toBe(0o600);
    await expect(query({ ...second.address, password: 'guessed' }, 'SELECT 1')).rejects.toThrow('password');
  });

  it('is refused to a second owner at once, and free again after the first', async () => {
    const dataDir = await freshDataDir();
    const first = await start(dataDir);
    const refusal = await start(dataDir).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(EmbeddedPostgresBusy);
    expect(refusal).toMatchObject({ pid: process.pid, message: expect.stringContaining(String(process.pid)) });
    expect(await query(first.address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    // An owner that is just stopping is waited for.
    const stopped = first.stop();
    await expect.poll(async () => (await liveOwner(join(dataDir, 'postgres-owner')))?.state, { interval: 1 }).not.toBe('running');
    const second = await start(dataDir);
    await stopped;
    expect(await query(second.address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('has one owner when several start at once on an empty folder', async () => {
    const dataDir = join(root, 'contested');
    const others = [startProcess(dataDir), startProcess(dataDir)];
    const lines = await Promise.all(others.map(async ({ lines }) => (await lines.next()).value as Line));
    expect(lines.filter((line) => line.started !== undefined)).toHaveLength(1);
    const owner = others.find((_, index) => lines[index]?.started !== undefined);
    expect(lines.filter((line) => line.busy !== undefined)).toEqual([{ busy: owner?.child.pid }]);
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-owner']);
  });

  it('has one owner when many calls meet over what a dead owner left', async () => {
    const dataDir = await freshDataDir();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => start(dataDir)));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(EmbeddedPostgresBusy);
    }
  });

  it('loses nothing that was acknowledged when its process is killed, and leaves no server behind', async () => {
    const dataDir = await freshDataDir();
    const last = await killWhileWriting(startProcess(dataDir));
    const orphan = await postmasterPid(dataDir).catch(() => null);
    const next = await start(dataDir);
    expect(orphan === null || !(await isRunning(orphan))).toBe(true);
    const [row] = await query(next.address, 'SELECT count(*)::int AS count, max(n) AS max FROM note');
    // The statement in flight at the kill may have been committed without anybody having heard of it.
    expect(row?.['count']).toBe(row?.['max']);
    expect(row?.['max']).toBeGreaterThanOrEqual(last);
  });

  it.runIf(onLinux)('dies with its process by itself', async () => {
    const dataDir = await freshDataDir();
    const { child, lines } = startProcess(dataDir);
    await lines.next();
    const pid = await postmasterPid(dataDir);
    child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), { timeout: TIMEOUT_MS });
  });

  it.runIf(onLinux)('stops a server that outlived its process where nothing could tie them', async () => {
    const dataDir = await freshDataDir();
    const tools = await folderOfTools(...(asRoot ? ['unshare'] : []));
    const last = await killWhileWriting(startProcess(dataDir, tools));
    const orphan = await postmasterPid(dataDir);
    expect(await isRunning(orphan)).toBe(true);
    expect(await findRunningPostgres(dataDir)).toBeNull();

    const next = await start(dataDir);
    expect(await isRunning(orphan)).toBe(false);
    const [row] = await query(next.address, 'SELECT max(n) AS max FROM note');
    expect(row?.['max']).toBeGreaterThanOrEqual(last);
  });

  it('is not held up by what an interrupted start or a power failure left, nor by a pid in use again', async () => {
    const dataDir = await freshDataDir();
    await mkdir(join(dataDir, 'new-postgres-half', 'data'), { recursive: true });
    await writeFile(join(dataDir, 'postgres-owner', 'draft-half'), '');
    await writeFile(join(dataDir, 'postgres-owner', '7.json'), '');
    await writeFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), `${process.ppid}\n`);
    await (await start(dataDir)).stop();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-owner']);
    expect(await readdir(join(dataDir, 'postgres-owner'))).toEqual(['8.json']);

    const owner = { pid: process.ppid, started: 'another life', state: 'running', postmaster: 1, port: 1 };
    await writeFile(join(dataDir, 'postgres-owner', '9.json'), JSON.stringify(owner));
    await writeFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), '');
    expect(await findRunningPostgres(dataDir)).toBeNull();
    await start(dataDir);
  });

  it('tells its address to others while it runs', async () => {
    const dataDir = await freshDataDir();
    expect(await findRunningPostgres(join(root, 'nowhere'))).toBeNull();
    expect(await findRunningPostgres(dataDir)).toBeNull();
    const postgres = await start(dataDir);
    const found = await findRunningPostgres(dataDir);
    expect(found).toEqual(postgres.address);
    await postgres.stop();
    expect(await findRunningPostgres(dataDir)).toBeNull();
  });

  it('says when it ends unasked, and starts again with everything', async () => {
    const dataDir = await freshDataDir();
    const reasons: string[] = [];
    const first = await start(dataDir, { durable: true, onExit: (reason) => void reasons.push(reason) });
    await query(first.address, 'CREATE TABLE note (n int)');
    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    await vi.waitFor(() => expect(reasons).toEqual(['signal SIGKILL']), { timeout: TIMEOUT_MS });
    await first.stop();
    const second = await start(dataDir);
    expect(await query(second.address, 'SELECT n FROM note')).toEqual([]);
  });

  it('gives the reason in the words of PostgreSQL when it does not start', async () => {
    const dataDir = await freshDataDir();
    await writeFile(join(dataDir, 'postgres', 'data', 'postgresql.conf'), 'no_such_setting = 1');
    await expect(start(dataDir)).rejects.toThrow('no_such_setting');
    await writeFile(join(dataDir, 'postgres', 'data', 'postgresql.conf'), '');
    await start(dataDir);
  });

  it.runIf(asRoot)('serves root as another user where there are no user namespaces', async () => {
    const tools = await folderOfTools('setpriv', 'sh', 'chown', 'chmod');
    const path = process.env['PATH'];
    process.env['PATH'] = tools;
    try {
      // The folder above belongs to root alone.
      const dataDir = await freshDataDir();
      await expect(start(dataDir)).rejects.toThrow(/DATA_DIR.*DATABASE_URL/);
      await chmod(root, 0o711);
      const postgres = await start(dataDir);
      expect((await stat(join(dataDir, 'postgres', 'data'))).uid).not.toBe(0);
      expect(await query(postgres.address, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      process.env['PATH'] = path;
    }
  });
});
