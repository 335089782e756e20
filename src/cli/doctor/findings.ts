import type { Config } from '../../config.js';
import { AUDIT_REMEDY } from '../../domains/audit/protection.js';
import { BLIND_REMEDY, ORDER_REMEDY } from '../../db/languages.js';
import { isAway, type Content, type DatabaseFacts, type Facts, type FileFacts } from './facts.js';

/** `unsafe` is to be changed; `advice` is what most servers would have otherwise. */
export type Severity = 'unsafe' | 'advice';

/** One thing that may be wrong. */
export interface Finding {
  readonly id: string;
  readonly severity: Severity;
  /** What is wrong, in words; null when it is not. */
  readonly check: (facts: Facts) => string | null;
  /** The line to change, or what to run. */
  readonly remedy: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/;
const hostnameOf = (url: string): string => new URL(url).hostname;
/** Whether something elsewhere is spoken to; a folder of sockets has no name. */
const isElsewhere = (url: string): boolean => hostnameOf(url) !== '' && !LOOPBACK.test(hostnameOf(url));

/** Whether others than this machine can reach the server. */
const isReachable = ({ env, host }: Config): boolean => env === 'production' || !LOOPBACK.test(host);

/** What counts only where others can reach the server. */
const whereReachable =
  (check: (config: Config) => string | null): Finding['check'] =>
  ({ config }) =>
    isReachable(config) ? check(config) : null;

const ofDatabase =
  (check: (database: DatabaseFacts) => string | null): Finding['check'] =>
  ({ database }) =>
    isAway(database) ? null : check(database);

const ofContent = (check: (content: Content) => string | null): Finding['check'] =>
  ofDatabase(({ content }) => (content === null ? null : check(content)));

const ofFile =
  (file: keyof FileFacts, forbidden: number, what: string): Finding['check'] =>
  ({ files }) => {
    const mode = files[file];
    return mode !== null && (mode & forbidden) !== 0 ? `${what} (${mode.toString(8)})` : null;
  };

const when = (is: boolean, words: string): string | null => (is ? words : null);

/** Names, of which not all are said. */
const few = (names: readonly string[]): string => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`;

const GROUP_AND_OTHERS = 0o077;
const WRITE_OF_GROUP_AND_OTHERS = 0o022;
const MAX_FACTOR = 10;
const MAX_ACCESS_SECONDS = 3_600;
const OLDEST_POSTGRES = 140_000;
const MAX_SKEW_MS = 2_000;
const MAX_LATE_JOBS = 100;
const TLS_MODES = ['require', 'verify-ca', 'verify-full'];

/** What is looked for in the settings. */
const OF_SETTINGS: readonly Finding[] = [
  {
    id: 'not-production',
    severity: 'unsafe',
    check: ({ config }) =>
      when(isReachable(config) && config.env !== 'production', `others can reach ${config.host}, and the defaults are for development`),
    remedy: 'NODE_ENV=production',
  },
  {
    id: 'any-origin',
    severity: 'unsafe',
    check: whereReachable(({ corsOrigins }) => when(corsOrigins.includes('*'), 'pages of any site may call the API')),
    remedy: 'CORS_ORIGINS=https://app.example (or leave it out: the own pages always may)',
  },
  {
    id: 'no-tls',
    severity: 'unsafe',
    check: whereReachable(({ publicUrl }) => when(publicUrl.startsWith('http:'), `people are sent to ${publicUrl}, without TLS`)),
    remedy: 'PUBLIC_URL=https://lyceum.example, and a proxy with TLS before this server',
  },
  {
    id: 'tls-not-required',
    severity: 'advice',
    check: whereReachable(({ publicUrl, requireTls }) =>
      when(publicUrl.startsWith('https:') && !requireTls, 'requests that came to the proxy without TLS are answered'),
    ),
    remedy: 'TRUST_PROXY=true REQUIRE_TLS=true',
  },
  {
    id: 'any-host',
    severity: 'advice',
    check: whereReachable(({ allowedHosts }) => when(allowedHosts.length === 0, 'the server answers whatever name it is asked by')),
    remedy: 'ALLOWED_HOSTS=lyceum.example',
  },
  {
    id: 'demo-data',
    severity: 'unsafe',
    check: whereReachable(({ demoData }) => when(demoData, 'an empty database is given an administrator whose password is known')),
    remedy: 'DEMO_DATA=false',
  },
  {
    id: 'graphiql',
    severity: 'advice',
    check: whereReachable(({ graphiql }) => when(graphiql, 'GraphiQL is served to everybody')),
    remedy: 'GRAPHIQL=false',
  },
  {
    id: 'introspection',
    severity: 'advice',
    check: whereReachable(({ schema }) => when(schema.introspection, 'the schema is told to everybody')),
    remedy: 'INTROSPECTION=false',
  },
  {
    id: 'suggestions',
    severity: 'advice',
    check: whereReachable(({ schema }) => when(schema.suggestions, 'mistaken names are answered with right ones')),
    remedy: 'SUGGESTIONS=false',
  },
  {
    id: 'no-second-factor',
    severity: 'advice',
    check: whereReachable(({ requireSecondFactor }) => when(requireSecondFactor === null, 'a password is enough to administer')),
    remedy: 'REQUIRE_SECOND_FACTOR=MODERATOR',
  },
  {
    id: 'no-mail',
    severity: 'unsafe',
    check: whereReachable(({ mail }) => when(mail.smtpUrl === null, 'mails are written to the log, with links that open accounts')),
    remedy: 'SMTP_URL=smtps://user:password@mail.example MAIL_FROM=lyceum@example.com',
  },
  {
    id: 'no-limits',
    severity: 'unsafe',
    check: whereReachable(({ rateLimits }) => when(rateLimits.factor === 0, 'passwords may be guessed at as often as one likes')),
    remedy: 'RATE_LIMIT_FACTOR=1',
  },
  {
    id: 'wide-limits',
    severity: 'unsafe',
    check: whereReachable(({ rateLimits: { factor } }) =>
      when(factor > MAX_FACTOR, `every limit is ${factor} times as wide as it should be`),
    ),
    remedy: 'RATE_LIMIT_FACTOR=1',
  },
  {
    id: 'weak-passwords',
    severity: 'unsafe',
    check: whereReachable(({ accounts: { passwordMinScore } }) =>
      when(passwordMinScore < 3, `passwords are taken from a score of ${passwordMinScore} on, of 4`),
    ),
    remedy: 'PASSWORD_MIN_SCORE=3',
  },
  {
    id: 'long-tokens',
    severity: 'advice',
    check: whereReachable(({ jwt: { accessTtlSeconds } }) =>
      when(accessTtlSeconds > MAX_ACCESS_SECONDS, `a stolen access token is good for up to ${accessTtlSeconds} seconds`),
    ),
    remedy: 'JWT_ACCESS_TTL_SECONDS=900',
  },
  {
    id: 'master-key-in-database',
    severity: 'advice',
    check: whereReachable(({ masterKeys }) =>
      when(masterKeys.length === 0, 'a copy of the database is enough to read what is encrypted in it, the keys of access tokens among it'),
    ),
    remedy: 'MASTER_KEY="$(openssl rand -base64 32)", and keep it',
  },
  {
    id: 'plain-database',
    severity: 'advice',
    check: ({ config: { database } }) =>
      when(
        database.url !== null && isElsewhere(database.url) && !TLS_MODES.includes(new URL(database.url).searchParams.get('sslmode') ?? ''),
        'what goes to the database on another machine is not encrypted',
      ),
    remedy: 'DATABASE_URL=postgresql://…?sslmode=verify-full',
  },
  {
    id: 'plain-redis',
    severity: 'advice',
    check: ({ config: { redis } }) =>
      when(
        redis.url !== null && redis.url.startsWith('redis:') && isElsewhere(redis.url),
        'what goes to Redis on another machine is not encrypted',
      ),
    remedy: 'REDIS_URL=rediss://…',
  },
  {
    id: 'plain-mail',
    severity: 'advice',
    check: ({ config: { mail } }) =>
      when(
        mail.smtpUrl !== null && mail.smtpUrl.startsWith('smtp:') && isElsewhere(mail.smtpUrl),
        'mails may go to their server without TLS',
      ),
    remedy: 'SMTP_URL=smtps://…',
  },
];

/** What is looked for in a running system. */
const OF_SYSTEM: readonly Finding[] = [
  {
    id: 'data-dir-open',
    severity: 'unsafe',
    check: ofFile('dataDir', WRITE_OF_GROUP_AND_OTHERS, 'others on this machine may change what is in DATA_DIR'),
    remedy: 'chmod go-w "$DATA_DIR"',
  },
  {
    id: 'token-key-open',
    severity: 'unsafe',
    check: ofFile('tokenKey', GROUP_AND_OTHERS, 'others on this machine may read the key of the access tokens'),
    remedy: 'chmod 600 "$DATA_DIR/jwt-key.pem"',
  },
  {
    id: 'database-password-open',
    severity: 'unsafe',
    check: ofFile('databasePassword', GROUP_AND_OTHERS, 'others on this machine may read the password of the embedded database'),
    remedy: 'chmod 600 "$DATA_DIR/postgres/password"',
  },
  {
    id: 'database-away',
    severity: 'unsafe',
    check: ({ database }) => (isAway(database) ? `the database was not looked at: ${database.away}` : null),
    remedy: 'start the server or its database, or mend DATABASE_URL or DATA_DIR',
  },
  {
    id: 'database-old',
    severity: 'unsafe',
    check: ofDatabase(({ version }) => when(version < OLDEST_POSTGRES, `PostgreSQL ${Math.floor(version / 10_000)} is too old`)),
    remedy: 'DATABASE_URL to PostgreSQL 14 or newer',
  },
  {
    id: 'pooler',
    severity: 'unsafe',
    check: ofDatabase(({ pooler }) => pooler),
    remedy: 'DATABASE_URL to the database itself, or to a pooler in session mode',
  },
  {
    id: 'clock-skew',
    severity: 'unsafe',
    check: ofDatabase(({ aheadMs }) =>
      when(
        Math.abs(aheadMs) > MAX_SKEW_MS,
        `the clock of the database is ${(Math.abs(aheadMs) / 1000).toFixed(1)} s ${aheadMs > 0 ? 'ahead' : 'behind'}`,
      ),
    ),
    remedy: 'set both clocks by NTP (timedatectl set-ntp true)',
  },
  {
    id: 'database-blind',
    severity: 'advice',
    check: ofDatabase(({ languages }) =>
      when(languages.isBlind, 'indexes of words see no letters but those of ASCII: to search for others reads everything'),
    ),
    remedy: BLIND_REMEDY,
  },
  {
    id: 'database-order',
    severity: 'unsafe',
    check: ofDatabase(({ languages }) =>
      when(languages.isOrderedOtherwise, 'its indexes were made by another release of ICU: lists by name may lack some'),
    ),
    remedy: ORDER_REMEDY,
  },
  {
    id: 'database-superuser',
    severity: 'unsafe',
    check: ofDatabase(({ user, isSuperuser }) =>
      when(isSuperuser, `the server is ${user}, a superuser: whatever goes wrong may do anything`),
    ),
    remedy: AUDIT_REMEDY,
  },
  {
    id: 'migrations-pending',
    severity: 'unsafe',
    check: ofDatabase(({ pending }) => when(pending.length > 0, `${pending.length} migrations are not applied: ${few(pending)}`)),
    remedy: 'npm run lyceum -- db migrate',
  },
  {
    id: 'migrations-wrong',
    severity: 'unsafe',
    check: ofDatabase(({ migrationFault }) => migrationFault),
    remedy: 'run the version of the software that fits the database',
  },
  {
    id: 'audit-unprotected',
    severity: 'advice',
    check: ofContent(({ protection: { by, reason } }) => when(by !== 'ROLE', `the server could change what was audited: ${reason ?? ''}`)),
    remedy: AUDIT_REMEDY,
  },
  {
    id: 'audit-changed',
    severity: 'unsafe',
    check: ofContent(({ auditFaults }) => when(auditFaults.length > 0, auditFaults.slice(0, 5).join(' '))),
    remedy: 'find out who did it: npm run lyceum -- audit verify',
  },
  {
    id: 'jobs-failed',
    severity: 'advice',
    check: ofContent(({ backlog: { failed, tasks } }) => when(failed > 0, `${failed} jobs have failed for the last time: ${few(tasks)}`)),
    remedy: 'SELECT id, task_identifier, last_error FROM graphile_worker.jobs WHERE attempts >= max_attempts',
  },
  {
    id: 'jobs-late',
    severity: 'advice',
    check: ofContent(({ backlog: { late } }) => when(late > MAX_LATE_JOBS, `${late} jobs wait for more than five minutes`)),
    remedy: 'JOB_CONCURRENCY=8, or more processes: npm run lyceum -- jobs',
  },
  {
    id: 'demo-passwords',
    severity: 'unsafe',
    check: (facts) =>
      isReachable(facts.config)
        ? ofContent(({ demoUsers }) => when(demoUsers.length > 0, `anybody can sign in as ${few(demoUsers)}, by the password of the demo`))(
            facts,
          )
        : null,
    remedy: 'change these passwords, or begin with an empty database',
  },
  {
    id: 'no-administrator',
    severity: 'advice',
    check: ofContent(({ administrators }) => when(administrators.length === 0, 'there is no administrator')),
    remedy: 'npm run lyceum -- user role NAME admin',
  },
  {
    id: 'administrators-unconfirmed',
    severity: 'advice',
    check: ofContent(({ administrators }) => {
      const names = administrators.filter(({ isConfirmed }) => !isConfirmed).map(({ username }) => username);
      return when(names.length > 0, `nobody has shown that they read the mail of ${few(names)}`);
    }),
    remedy: 'they ask for the mail once more, on their account page',
  },
  {
    id: 'redis-away',
    severity: 'unsafe',
    check: ({ redis }) => (redis !== null && isAway(redis) ? `Redis does not answer: ${redis.away}` : null),
    remedy: 'start Redis, or mend REDIS_URL',
  },
  {
    id: 'redis-evicts',
    severity: 'unsafe',
    check: ({ redis }) =>
      redis === null || isAway(redis) || redis.policy === 'noeviction'
        ? null
        : `Redis forgets what it has no room for (${redis.policy}), and with it who has guessed at passwords`,
    remedy: 'maxmemory-policy noeviction, in redis.conf',
  },
];

/** Everything that is looked for, in the order in which it is told. */
export const FINDINGS: readonly Finding[] = [...OF_SETTINGS, ...OF_SYSTEM];

/** Something that is wrong. */
export interface Found {
  readonly id: string;
  readonly severity: Severity;
  readonly what: string;
  readonly remedy: string;
}

export const findingsOf = (facts: Facts): readonly Found[] =>
  FINDINGS.flatMap(({ id, severity, check, remedy }) => {
    const what = check(facts);
    return what === null ? [] : [{ id, severity, what, remedy }];
  });
