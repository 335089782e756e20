import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App } from '../../src/process/app.js';
import type { Clock } from '../../src/clock.js';
import { loadConfig } from '../../src/config.js';
import type { Services } from '../../src/context.js';
import type { Log } from '../../src/observability/log.js';
import { apiAt, type Api } from './api.js';
import { connect, type TestSocket } from './client.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { graphql, present } from './graphql.js';

/** Someone signed in. */
export interface TestUser {
  readonly id: string;
  readonly username: string;
  readonly token: string;
  readonly refreshToken: string;
}

export interface TestApp extends Api {
  readonly services: Services;
  readonly database: TestDatabase;
  /** A WebSocket of graphql-transport-ws; closed with the app at the latest. */
  readonly connect: (as?: TestUser, params?: Readonly<Record<string, unknown>>) => TestSocket;
  /** Registers somebody with this name. */
  readonly user: (username: string) => Promise<TestUser>;
  /** Registers somebody and gives them a role, as the command line does. */
  readonly userWithRole: (username: string, role: 'MODERATOR' | 'ADMIN') => Promise<TestUser>;
  /** Has a task run now, as if its time had come, and waits until it has. @throws with its error when it fails */
  readonly runTask: (name: string) => Promise<void>;
  /**
   * What `work` costs: the SQL statements sent meanwhile, transactions' own included, which `work` is given as they come. It
   * waits for the jobs that earlier acts have left for a moment later, such as telling of a notification; nothing else may be going on.
   */
  readonly countStatements: (work: (seen: readonly string[]) => Promise<unknown>) => Promise<string[]>;
  readonly stop: () => Promise<void>;
}

export interface TestAppOptions {
  /** Further settings, by their names in the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another app's database, for several processes' worth of apps on one; it stays the other's to drop. */
  readonly database?: TestDatabase;
  /** The app's time, for what expires; the system's when left out. */
  readonly clock?: Clock;
  /** Where the app writes its log, for tests of what it tells. */
  readonly log?: Log;
  /** Called with every SQL statement, and its parameters in JSON. */
  readonly onStatement?: (sql: string, params: string) => void;
}

/** Of everybody whom `user` registers. */
export const PASSWORD = 'correct horse battery staple';

/** Settings in which acts are limited by their number as in production, and by nothing else. */
export const COUNTED = { RATE_LIMIT_FACTOR: '1', MAX_COST_PER_VIEWER: '1000000000', MAX_COST_PER_ADDRESS: '1000000000' };

/** Settings in which whoever leaves is OFFLINE soon, for tests that wait for it. */
export const SHORT_GRACE = { PRESENCE_GRACE_MS: '200' };

/** A whole server on a database of its own. Stop it in `afterAll`. */
export const startTestApp = async ({ env = {}, database: shared, clock, log, onStatement }: TestAppOptions = {}): Promise<TestApp> => {
  const database = shared ?? (await createTestDatabase());
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-app-'));
  let statements: string[] | null = null;
  const config = loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    // Their statements would be among those that a test counts; and what only a reconcile brings would be no wonder.
    PRESENCE_GRACE_MS: '600000',
    PRESENCE_LEASE_MS: '600000',
    RECONCILE_MS: '600000',
    ...env,
  });
  const note = (sql: string, params: string): void => {
    statements?.push(sql);
    onStatement?.(sql, params);
  };
  const app: App = await startApp(config, { clock, log, onStatement: note });
  const sockets = new Set<TestSocket>();

  const kit: TestApp = {
    ...apiAt(app.url),
    services: app.services,
    database,
    connect: (as, params) => {
      const socket = connect(app.url, as?.token, params);
      sockets.add(socket);
      return socket;
    },
    user: async (username) => {
      const { register } = await kit.data(Register, {
        input: { username, email: `${username}@example.com`, password: PASSWORD },
      });
      const { user, credentials } = register;
      return { id: user.id, username: user.username, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
    },
    userWithRole: async (username, role) => {
      const user = await kit.user(username);
      await database.query('UPDATE "user" SET role = $2::role WHERE username = $1', [username, role]);
      return user;
    },
    runTask: async (name) => {
      const [job] = await database.query<{ id: string }>('SELECT id FROM graphile_worker.add_job($1)', [name]);
      for (;;) {
        const [left] = await database.query<{ last_error: string | null }>('SELECT last_error FROM graphile_worker.jobs WHERE id = $1', [
          job?.id,
        ]);
        if (left === undefined) return;
        if (left.last_error !== null) throw new Error(`${name} failed: ${left.last_error}`);
        await delay(5);
      }
    },
    countStatements: async (work) => {
      while ((await database.query(SOON_RUN)).length > 0) await delay(5);
      const seen: string[] = [];
      statements = seen;
      try {
        await work(seen);
      } finally {
        statements = null;
      }
      return seen;
    },
    stop: async () => {
      await Promise.all([...sockets].map((socket) => socket.close()));
      await app.stop();
      await rm(dataDir, { recursive: true, force: true });
      if (!shared) await database.drop();
    },
  };
  return kit;
};

/** The jobs whose first run comes within a minute; those that have failed wait for longer and longer. */
const SOON_RUN = `SELECT 1 FROM graphile_worker.jobs WHERE attempts <= 1 AND run_at < now() + interval '1 minute'`;

export const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      user {
        id
        username
      }
      credentials {
        accessToken
        refreshToken
      }
    }
  }
`);
