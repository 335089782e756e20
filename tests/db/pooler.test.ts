import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { assertSessions, NoSessionsError } from '../../src/db/sessions.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { freePort } from '../kit/free-port.js';

const TIMEOUT_MS = 5_000;
const IGNORED = 'extra_float_digits,options,statement_timeout,idle_in_transaction_session_timeout';
/** Debian keeps it where ordinary users do not look. */
const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const isHere = spawnSync('pgbouncer', ['--version'], { env }).status === 0;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Runs PgBouncer before the database, for as long as `work` takes. */
const behind = async (settings: Readonly<Record<string, string>>, work: (url: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'lyceum-pgbouncer-'));
  const target = new URL(database.url);
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    ...settings,
  };
  const name = target.pathname.slice(1);
  await writeFile(
    file,
    `[databases]\n${name} = host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}\n[pgbouncer]\n` +
      Object.entries(all)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join(''),
  );
  // It does not run as root, and nobody must be able to read its file.
  await chmod(folder, 0o755);
  const asNobody = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn('pgbouncer', [file], { env, stdio: 'ignore', ...asNobody });
  const exited = once(child, 'exit');
  try {
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => resolve());
          socket.once('error', reject).once('connect', () => socket.destroy());
        }),
      { timeout: 10_000 },
    );
    await work(`postgresql://${target.username}@127.0.0.1:${port}/${name}`);
  } finally {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
};

const outcomeOf = (url: string): Promise<unknown> =>
  assertSessions({ url }, TIMEOUT_MS).then(
    () => 'sessions',
    (error: unknown) => error,
  );

describe('a database that is reached directly', () => {
  it('keeps a session for each connection', async () => {
    expect(await outcomeOf(database.url)).toBe('sessions');
  });
});

// Where everything is tested it must be there.
describe.skipIf(!isHere && process.env['CI'] !== 'true')('PgBouncer', () => {
  it.each([
    ['in transaction mode', { ignore_startup_parameters: IGNORED }],
    ['in transaction mode with a single connection', { ignore_startup_parameters: IGNORED, default_pool_size: '1' }],
    ['in transaction mode that takes its connections in turn', { ignore_startup_parameters: IGNORED, server_round_robin: '1' }],
    ['in statement mode', { ignore_startup_parameters: IGNORED, pool_mode: 'statement' }],
    ['that takes no settings', {}],
  ])('%s is refused at the start, in one line', async (_name, settings) => {
    await behind(settings, async (url) => {
      const refusal = await outcomeOf(url);
      expect(refusal).toBeInstanceOf(NoSessionsError);
      expect((refusal as Error).message).toMatch(/^DATABASE_URL leads to a connection pooler [^\n]+$/);
    });
  });

  it('in session mode is as good as the database itself', async () => {
    await behind({ ignore_startup_parameters: IGNORED, pool_mode: 'session' }, async (url) => {
      expect(await outcomeOf(url)).toBe('sessions');
    });
  });
});
