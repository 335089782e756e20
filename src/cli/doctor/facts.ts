import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Config } from '../../config.js';
import type { ConnectionTarget } from '../../db/connection.js';
import { openDatabase, type Database } from '../../db/database.js';
import { findRunningPostgres, passwordFile } from '../../db/embedded/embedded.js';
import { rolesOf } from '../../db/embedded/roles.js';
import { findLanguageFaults, type LanguageFaults } from '../../db/languages.js';
import { MigrationError, pendingMigrations } from '../../db/migrate.js';
import { assertSessions, NoSessionsError, openClient } from '../../db/sessions.js';
import { DEMO_PASSWORD, DEMO_USERS } from '../../demo/users.js';
import { findAdministrators, whoHavePassword, type Administrator } from '../../domains/account/account.js';
import { auditProtection, type AuditProtection } from '../../domains/audit/protection.js';
import { verifyAudit } from '../../domains/audit/seals.js';
import { backlogOf, type Backlog } from '../../jobs/queue.js';
import { reasonOf } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';

/** What is in a database that is there and has the newest migration. */
export interface Content {
  readonly protection: AuditProtection;
  readonly auditFaults: readonly string[];
  readonly backlog: Backlog;
  readonly administrators: readonly Administrator[];
  /** Who can be signed in as with the password of the demo. */
  readonly demoUsers: readonly string[];
}

/** A database that answers. */
export interface DatabaseFacts {
  /** As PostgreSQL counts its releases: 160004 is 16.4. */
  readonly version: number;
  readonly user: string;
  readonly isSuperuser: boolean;
  /** How far its clock is ahead of ours, in milliseconds. */
  readonly aheadMs: number;
  /** Why connections have no session of their own; null where they have. */
  readonly pooler: string | null;
  /** Migrations that are not applied. */
  readonly pending: readonly string[];
  /** What is wrong with those that are; null where nothing is. */
  readonly migrationFault: string | null;
  readonly languages: LanguageFaults;
  /** Null where the migrations do not let it be read. */
  readonly content: Content | null;
}

/** Why something does not answer. */
export interface Away {
  readonly away: string;
}

export interface RedisFacts {
  readonly policy: string;
}

/** The permissions of what others on the machine should not read or change; null for what is not there. */
export interface FileFacts {
  readonly dataDir: number | null;
  readonly tokenKey: number | null;
  readonly databasePassword: number | null;
}

/** Everything that is looked at. */
export interface Facts {
  readonly config: Config;
  readonly files: FileFacts;
  readonly database: DatabaseFacts | Away;
  /** Null where none is configured. */
  readonly redis: RedisFacts | Away | null;
}

export const isAway = (facts: object): facts is Away => 'away' in facts;

/** Looks at everything that a server with this configuration uses. It changes nothing. */
export const examine = async (config: Config, log: Log): Promise<Facts> => {
  const [files, database, redis] = await Promise.all([examineFiles(config), examineDatabase(config, log), examineRedis(config)]);
  return { config, files, database, redis };
};

const examineFiles = async ({ dataDir }: Config): Promise<FileFacts> => {
  // Windows has no permissions of this kind.
  const modeOf = async (path: string): Promise<number | null> =>
    process.platform === 'win32'
      ? null
      : await stat(path).then(
          ({ mode }) => mode & 0o777,
          () => null,
        );
  const paths = [dataDir, join(dataDir, 'jwt-key.pem'), passwordFile(dataDir)] as const;
  const [data, tokenKey, databasePassword] = await Promise.all([modeOf(paths[0]), modeOf(paths[1]), modeOf(paths[2])]);
  return { dataDir: data, tokenKey, databasePassword };
};

interface Targets {
  readonly server: ConnectionTarget;
  /** Who migrates. */
  readonly owner: ConnectionTarget;
}

const findTargets = async ({ dataDir, database }: Config): Promise<Targets | null> => {
  if (database.url !== null) return { server: { url: database.url }, owner: { url: database.migrationUrl ?? database.url } };
  const running = await findRunningPostgres(dataDir);
  return running === null ? null : rolesOf(running);
};

const examineDatabase = async (config: Config, log: Log): Promise<DatabaseFacts | Away> => {
  const { timeoutMs } = config.database;
  try {
    const targets = await findTargets(config);
    if (targets === null) return { away: `no server runs on the embedded database in ${config.dataDir}` };
    const about = await ask(targets.server, timeoutMs);
    const pooler = await assertSessions(targets.server, timeoutMs).then(() => null, faultOf(NoSessionsError));
    const migrations = pooler === null ? await askForMigrations(targets.owner, timeoutMs) : { pending: [], migrationFault: null };
    const isReadable = pooler === null && migrations.pending.length === 0 && migrations.migrationFault === null;
    const content = isReadable ? await readContent(targets.server, config, log) : null;
    return { ...about, ...migrations, pooler, content };
  } catch (error) {
    return { away: reasonOf(error) };
  }
};

/** The words of an error of this kind; others are thrown again. */
const faultOf =
  (kind: new (...given: never[]) => Error) =>
  (error: unknown): string => {
    if (error instanceof kind) return error.message;
    throw error;
  };

type About = Pick<DatabaseFacts, 'version' | 'user' | 'isSuperuser' | 'aheadMs' | 'languages'>;

const ask = async (target: ConnectionTarget, timeoutMs: number): Promise<About> => {
  const client = openClient(target, timeoutMs);
  try {
    await client.connect();
    const began = performance.timeOrigin + performance.now();
    const { rows } = await client.query<{ version: number; user: string; superuser: boolean; now: number }>(
      `SELECT current_setting('server_version_num')::int AS version, current_user AS "user", rolsuper AS superuser,
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now
       FROM pg_roles WHERE rolname = current_user`,
    );
    const ended = performance.timeOrigin + performance.now();
    const [{ version, user, superuser, now } = { version: 0, user: '', superuser: false, now: ended }] = rows;
    // It was asked at some time between: what lies within is no difference.
    const aheadMs = now < began ? now - began : now > ended ? now - ended : 0;
    return { version, user, isSuperuser: superuser, aheadMs, languages: await findLanguageFaults(client) };
  } finally {
    await client.end();
  }
};

const askForMigrations = async (
  target: ConnectionTarget,
  timeoutMs: number,
): Promise<Pick<DatabaseFacts, 'pending' | 'migrationFault'>> => {
  const client = openClient(target, timeoutMs);
  try {
    await client.connect();
    return { pending: await pendingMigrations(client), migrationFault: null };
  } catch (error) {
    return { pending: [], migrationFault: faultOf(MigrationError)(error) };
  } finally {
    await client.end();
  }
};

const readContent = async (target: ConnectionTarget, { database: { timeoutMs } }: Config, log: Log): Promise<Content> => {
  const db: Database = openDatabase({ target, poolSize: 2, timeoutMs, log, onCommit: () => undefined });
  try {
    const { faults } = await verifyAudit({ db });
    return {
      protection: await auditProtection(db),
      auditFaults: faults,
      backlog: await backlogOf(target, timeoutMs),
      administrators: await findAdministrators(db),
      demoUsers: await whoHavePassword(db, DEMO_USERS, DEMO_PASSWORD),
    };
  } finally {
    await db.close();
  }
};

/** How long Redis has to answer, in milliseconds. */
const REDIS_PATIENCE_MS = 5_000;

const examineRedis = async ({ redis: { url } }: Config): Promise<RedisFacts | Away | null> => {
  if (url === null) return null;
  const client = new Redis(url, { lazyConnect: true, connectTimeout: REDIS_PATIENCE_MS, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const info = await client.info('memory');
    return { policy: /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown' };
  } catch (error) {
    return { away: reasonOf(error) };
  } finally {
    client.disconnect();
  }
};
