import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hashPassword } from '../../src/access/passwords.js';
import { examine, isAway, type DatabaseFacts, type Facts } from '../../src/cli/doctor/facts.js';
import { FINDINGS, findingsOf } from '../../src/cli/doctor/findings.js';
import { loadConfig, type Config } from '../../src/config.js';
import { DEMO_PASSWORD } from '../../src/demo/users.js';
import { sealAudit } from '../../src/domains/audit/seals.js';
import { createLog } from '../../src/observability/log.js';
import { queryAt } from '../kit/postgres-address.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { startOwnRedis, type OwnRedis } from '../realtime/hazard-world.js';

type Env = Readonly<Record<string, string>>;

/** Settings with which nothing is wrong. */
const SAFE: Env = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://lyceum.example',
  TRUST_PROXY: 'true',
  REQUIRE_TLS: 'true',
  ALLOWED_HOSTS: 'lyceum.example',
  REQUIRE_SECOND_FACTOR: 'ADMIN',
  SMTP_URL: 'smtps://mail.example',
  MAIL_FROM: 'lyceum@example.com',
  MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  JWT_PRIVATE_KEY: ['-----BEGIN PRIVATE KEY-----', 'not one', '-----END PRIVATE KEY-----'].join('\n'),
};

let redis: OwnRedis;
let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  redis = await startOwnRedis();
  dataDir = await mkdtemp(join(tmpdir(), 'lyceum-doctor-'));
  app = await startTestApp({ env: { JOB_CONCURRENCY: '0' } });
  await app.userWithRole('chief', 'ADMIN');
  await app.database.query(`UPDATE "user" SET email_verified_at = now()`);
});
afterAll(async () => {
  await app.stop();
  await redis.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const configOf = (env: Env): Config => loadConfig({ ...SAFE, DATA_DIR: dataDir, DATABASE_URL: app.database.url, ...env });
const examined = (env: Env): Promise<Facts> => examine(configOf(env), createLog('silent'));
const found = async (env: Env = {}): Promise<readonly string[]> => findingsOf(await examined(env)).map(({ id }) => id);

/** The facts with something that this machine is not. */
const withDatabase = async (changes: Partial<DatabaseFacts>): Promise<readonly string[]> => {
  const facts = await examined({});
  if (isAway(facts.database)) throw new Error(facts.database.away);
  return findingsOf({ ...facts, database: { ...facts.database, ...changes } }).map(({ id }) => id);
};

/** What is found once a statement has run, which another takes back. */
const whileSql = async (statement: string, undo: string, values: unknown[] = []): Promise<readonly string[]> => {
  await app.database.query(statement, values);
  try {
    return await found();
  } finally {
    await app.database.query(undo);
  }
};

const SETTINGS: Readonly<Record<string, Env>> = {
  'not-production': { NODE_ENV: 'development', HOST: '0.0.0.0', CORS_ORIGINS: 'https://app.example', GRAPHIQL: 'false' },
  'any-origin': { CORS_ORIGINS: '*' },
  'no-tls': { PUBLIC_URL: 'http://lyceum.example' },
  'tls-not-required': { REQUIRE_TLS: 'false' },
  'any-host': { ALLOWED_HOSTS: '' },
  'demo-data': { DEMO_DATA: 'true' },
  graphiql: { GRAPHIQL: 'true' },
  introspection: { INTROSPECTION: 'true' },
  suggestions: { SUGGESTIONS: 'true' },
  'no-second-factor': { REQUIRE_SECOND_FACTOR: '' },
  'no-mail': { SMTP_URL: '' },
  'no-limits': { RATE_LIMIT_FACTOR: '0' },
  'wide-limits': { RATE_LIMIT_FACTOR: '1000' },
  'weak-passwords': { PASSWORD_MIN_SCORE: '1' },
  'long-tokens': { JWT_ACCESS_TTL_SECONDS: '86400' },
  'master-key-in-database': { MASTER_KEY: '' },
  'plain-database': { DATABASE_URL: 'postgresql://db.invalid/lyceum' },
  'plain-redis': { REDIS_URL: 'redis://redis.invalid' },
  'plain-mail': { SMTP_URL: 'smtp://mail.example' },
};

const DELETE_JOBS = 'DELETE FROM graphile_worker._private_jobs';

/** How the rest is made true. */
const ACTS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  'database-away': () => found({ DATABASE_URL: 'postgresql://127.0.0.1:1/lyceum' }),
  'redis-away': () => found({ REDIS_URL: 'redis://127.0.0.1:1' }),
  'data-dir-open': async () => {
    await chmod(dataDir, 0o777);
    return await found().finally(() => chmod(dataDir, 0o700));
  },
  'token-key-open': async () => {
    await writeFile(join(dataDir, 'jwt-key.pem'), '', { mode: 0o644 });
    return await found().finally(() => rm(join(dataDir, 'jwt-key.pem')));
  },
  'database-password-open': async () => {
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(join(dataDir, 'postgres', 'password'), '', { mode: 0o640 });
    return await found().finally(() => rm(join(dataDir, 'postgres'), { recursive: true }));
  },
  'database-old': () => withDatabase({ version: 130_020 }),
  pooler: () => withDatabase({ pooler: 'DATABASE_URL leads to a connection pooler in transaction mode.' }),
  'clock-skew': () => withDatabase({ aheadMs: -3_000 }),
  'database-blind': async () => {
    const name = `blind_${randomBytes(6).toString('hex')}`;
    await app.database.query(`CREATE DATABASE ${name} TEMPLATE template0 LC_CTYPE 'C'`);
    try {
      await queryAt({ ...inject('postgres'), database: name }, 'CREATE EXTENSION pg_trgm');
      return await found({ DATABASE_URL: Object.assign(new URL(app.database.url), { pathname: `/${name}` }).href });
    } finally {
      await app.database.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  },
  'database-order': () =>
    whileSql(
      `UPDATE pg_collation SET collversion = 'earlier' WHERE collname = 'und-x-icu'`,
      `UPDATE pg_collation SET collversion = pg_collation_actual_version(oid) WHERE collname = 'und-x-icu'`,
    ),
  'database-superuser': () => found({ DATABASE_URL: app.database.adminUrl }),
  'audit-unprotected': () => found({ DATABASE_URL: app.database.adminUrl }),
  'migrations-pending': () =>
    whileSql(
      `UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)`,
      'UPDATE _prisma_migrations SET rolled_back_at = NULL',
    ),
  'migrations-wrong': () =>
    whileSql(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'y', '20990101000000_later', now())`,
      `DELETE FROM _prisma_migrations WHERE id = 'x'`,
    ),
  'audit-changed': async () => {
    await app.database.query(
      `INSERT INTO audit_event (id, action, subject_type, detail) VALUES (gen_random_uuid(), 'doctor', 'User', '{}')`,
    );
    await sealAudit(app.services);
    await app.database.query('ALTER TABLE audit_event DISABLE TRIGGER ALL');
    return await whileSql(
      `UPDATE audit_event SET action = 'nothing' WHERE action = 'doctor'`,
      `UPDATE audit_event SET action = 'doctor' WHERE action = 'nothing'`,
    );
  },
  'jobs-failed': () =>
    whileSql(
      `WITH job AS (SELECT id FROM graphile_worker.add_job('account.sweepSessions'))
       UPDATE graphile_worker._private_jobs SET attempts = max_attempts`,
      DELETE_JOBS,
    ),
  'jobs-late': () =>
    whileSql(
      `SELECT graphile_worker.add_job('account.sweepSessions', run_at => now() - interval '10 minutes') FROM generate_series(1, 101)`,
      DELETE_JOBS,
    ),
  'demo-passwords': async () => {
    await app.user('ada');
    return await whileSql(`UPDATE "user" SET password_hash = $1 WHERE username = 'ada'`, `UPDATE "user" SET password_hash = NULL`, [
      await hashPassword(DEMO_PASSWORD),
    ]);
  },
  'no-administrator': () =>
    whileSql(`UPDATE "user" SET role = 'MEMBER' WHERE username = 'chief'`, `UPDATE "user" SET role = 'ADMIN' WHERE username = 'chief'`),
  'administrators-unconfirmed': () => whileSql(`UPDATE "user" SET email_verified_at = NULL`, `UPDATE "user" SET email_verified_at = now()`),
  'redis-evicts': async () => {
    const client = new Redis(redis.env['REDIS_URL'] ?? '');
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    return await found({ REDIS_URL: redis.env['REDIS_URL'] ?? '' }).finally(() => client.quit());
  },
};

describe('the doctor', () => {
  it('is asked for everything that it looks for', () => {
    expect([...Object.keys(SETTINGS), ...Object.keys(ACTS)].sort()).toEqual(FINDINGS.map(({ id }) => id).sort());
  });

  it('finds nothing in settings where nothing is wrong, and each of these where it is', async () => {
    const facts = await examined({});
    const foundIn = (env: Env) => findingsOf({ ...facts, config: configOf(env) }).map(({ id }) => id);
    expect(foundIn({})).toEqual([]);
    for (const [id, env] of Object.entries(SETTINGS)) expect(foundIn(env)).toContain(id);
  });

  it.each(Object.entries(ACTS))('finds %s in what runs', async (id, act) => {
    expect(await act()).toContain(id);
  });

  it('thinks nothing of a server for oneself', async () => {
    const alone = { NODE_ENV: 'development', HOST: '127.0.0.1' };
    expect(await found({ ...alone, ALLOWED_HOSTS: '', SMTP_URL: '', MASTER_KEY: '', REQUIRE_TLS: 'false' })).toEqual([]);
  });
});

describe('`lyceum doctor`', () => {
  const lyceum = async (env: Env, ...args: string[]): Promise<{ code: unknown; stdout: string }> => {
    const options = { env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, DATABASE_URL: app.database.url, ...SAFE, ...env } };
    const done = await promisify(execFile)(process.execPath, ['dist/cli/main.js', 'doctor', ...args], options).catch(
      (error: unknown) => error,
    );
    return { code: 0, ...(done as { code?: unknown; stdout: string }) };
  };

  it('ends with 1 and says what to change where something is unsafe', async () => {
    const { code, stdout } = await lyceum({ CORS_ORIGINS: '*' });
    expect(code).toBe(1);
    expect(stdout).toContain('unsafe  any-origin: pages of any site may call the API\n        → CORS_ORIGINS=https://app.example');
    expect(stdout).toContain(`Looked for ${FINDINGS.length} things: 1 are unsafe, 0 might be better.`);
  });

  it('ends with 0 where there is only advice, also in JSON', async () => {
    const { code, stdout } = await lyceum({ GRAPHIQL: 'true' }, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ safe: true, found: [{ id: 'graphiql', severity: 'advice', remedy: 'GRAPHIQL=false' }] });
  });
});
