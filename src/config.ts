import { z } from 'zod';

/** Every setting of the process, read once and frozen. The README's table names each variable. */
export interface Config {
  readonly env: 'development' | 'test' | 'production';
  readonly port: number;
  readonly host: string;
  readonly corsOrigins: readonly string[];
  /** Whether addresses in X-Forwarded-For are believed. */
  readonly trustProxy: boolean;
  readonly dataDir: string;
  /** Processes that serve behind the one port. */
  readonly workers: number;
  /** Over how long the ends of what is open are spread at a stop, in milliseconds. */
  readonly drainMs: number;
  readonly logLevel: string;
  readonly demoData: boolean;
  readonly database: {
    /** null: the embedded PostgreSQL under `dataDir`. */
    readonly url: string | null;
    readonly poolSize: number;
    /** The longest wait for a connection and for one statement, in milliseconds. */
    readonly timeoutMs: number;
    /** Whether an embedded database flushes every commit to disk; only tests do without. */
    readonly durable: boolean;
  };
  readonly redis: { readonly url: string | null; readonly prefix: string };
  /** How many jobs one process runs at a time; 0: none. */
  readonly jobs: { readonly concurrency: number };
  readonly jwt: {
    /** PKCS#8 PEM of an Ed25519 or P-256 key; null: generated into `dataDir`. */
    readonly privateKey: string | null;
    readonly issuer: string;
    readonly audience: string;
    readonly accessTtlSeconds: number;
    readonly refreshTtlSeconds: number;
  };
  readonly realtime: {
    readonly reconcileMs: number;
    readonly stateMinIntervalMs: number;
    /** Events one subscriber may be behind in memory before its stream ends with SLOW_CONSUMER. */
    readonly queueLimit: number;
    /** Different selections of one stream that one viewer, or without a token one address, may follow at a time in one process. */
    readonly maxSelections: number;
  };
  readonly delivery: {
    /** How long results for one socket are collected before they leave in one write, in milliseconds. */
    readonly coalesceMs: number;
    /** What one socket's queue holds at the most. */
    readonly maxFrames: number;
    readonly maxBytes: number;
    /** Bytes that are held for the peers of one address, and of the whole process, that do not take what is sent. */
    readonly maxBytesPerAddress: number;
    readonly maxTotalBytes: number;
    /** How long a socket may take nothing of what was written to it before it is given up, in milliseconds. */
    readonly stallMs: number;
    /** How often a sign of life is sent through each connection, in milliseconds: proxies cut silent ones after 30 s and more. */
    readonly pingMs: number;
  };
  readonly sockets: {
    /** Operations that one socket may have running at a time. */
    readonly maxSubscriptions: number;
    /** Operations that one socket may begin in a second, in the long run. */
    readonly subscribesPerSecond: number;
    /** Sockets and event streams that one address may have open in one process, together. */
    readonly maxPerAddress: number;
  };
  readonly http: {
    /** How long the headers of a request may take to arrive, in milliseconds. */
    readonly headersTimeoutMs: number;
    /** How long the whole of a request may take to arrive, in milliseconds; not less than its headers. */
    readonly requestTimeoutMs: number;
    /** How often it is looked whether one has taken longer, in milliseconds. */
    readonly checkIntervalMs: number;
    /** For how long clients are told that they may use a connection again after an answer, in milliseconds. */
    readonly keepAliveMs: number;
    /** Connections that one address may have open in one process, besides sockets. */
    readonly maxConnectionsPerAddress: number;
  };
  /** What every limit on how often something may be done is multiplied by; 0: there are none. */
  readonly rateLimits: { readonly factor: number };
  readonly presence: { readonly graceMs: number; readonly leaseMs: number };
  readonly messages: {
    /** Characters that one message may have. */
    readonly maxLength: number;
    /** How long messages and what happens in conversations are kept, in milliseconds; null: for ever. */
    readonly retentionMs: number | null;
  };
  /** Members that one group may have. */
  readonly groups: { readonly maxMembers: number };
  /** How long a room may be empty before it is archived, in milliseconds. */
  readonly rooms: { readonly archiveAfterMs: number };
  readonly limits: {
    /** Bytes of one HTTP body or one WebSocket message. */
    readonly requestBytes: number;
    readonly queryComplexity: number;
    readonly queryDepth: number;
  };
}

/** Every mistake of the environment at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`);
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** In milliseconds. */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a whole number above 0 and s, m, h or d, such as 24h')
  .transform((value) => Number(value.slice(0, -1)) * UNITS[value.slice(-1) as keyof typeof UNITS]);
const url = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)),
      `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    );
const origins = z
  .string()
  .transform((value) =>
    value
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  )
  .refine(
    (list) => list.every((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)),
    'must be origins such as https://app.example.com, separated by commas, or *',
  );
const pem = z
  .string()
  // A variable cannot always hold line breaks: \n is read as one.
  .transform((value) => value.replaceAll('\\n', '\n').trim())
  .refine(
    (value) => /^-----BEGIN PRIVATE KEY-----\n[\s\S]+\n-----END PRIVATE KEY-----$/.test(value),
    'must be a private key in PKCS#8 PEM form',
  );

const variables = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  PORT: integer(0, 65_535).optional(),
  HOST: z.string().optional(),
  CORS_ORIGINS: origins.optional(),
  TRUST_PROXY: flag.optional(),
  DATA_DIR: z.string().optional(),
  WORKERS: integer(1, 64).optional(),
  DRAIN_MS: integer(0, 600_000).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).optional(),
  DEMO_DATA: flag.optional(),
  DATABASE_URL: url('postgresql', 'postgres').optional(),
  DATABASE_POOL_SIZE: integer(1, 1_000).optional(),
  DATABASE_TIMEOUT_MS: integer(100, 600_000).optional(),
  REDIS_URL: url('redis', 'rediss').optional(),
  REDIS_PREFIX: z.string().max(64).optional(),
  JOB_CONCURRENCY: integer(0, 100).optional(),
  JWT_PRIVATE_KEY: pem.optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  JWT_ACCESS_TTL_SECONDS: integer(1, 86_400).optional(),
  JWT_REFRESH_TTL_SECONDS: integer(60, 31_536_000).optional(),
  RECONCILE_MS: integer(50, 600_000).optional(),
  STATE_MIN_INTERVAL_MS: integer(0, 60_000).optional(),
  SUBSCRIBER_QUEUE_LIMIT: integer(16, 1_000_000).optional(),
  MAX_SELECTIONS_PER_STREAM: integer(1, 100_000).optional(),
  COALESCE_MS: integer(0, 1_000).optional(),
  SOCKET_QUEUE_FRAMES: integer(16, 1_000_000).optional(),
  SOCKET_QUEUE_BYTES: integer(16_384, 1_073_741_824).optional(),
  SEND_BYTES_PER_ADDRESS: integer(16_384, 1_099_511_627_776).optional(),
  SEND_BYTES_TOTAL: integer(16_384, 1_099_511_627_776).optional(),
  SOCKET_STALL_MS: integer(100, 600_000).optional(),
  PING_INTERVAL_MS: integer(50, 600_000).optional(),
  MAX_SUBSCRIPTIONS_PER_SOCKET: integer(1, 1_000_000).optional(),
  MAX_SUBSCRIBES_PER_SECOND: integer(1, 1_000_000).optional(),
  MAX_SOCKETS_PER_ADDRESS: integer(1, 1_000_000).optional(),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).optional(),
  HTTP_HEADERS_TIMEOUT_MS: integer(100, 600_000).optional(),
  HTTP_REQUEST_TIMEOUT_MS: integer(100, 3_600_000).optional(),
  HTTP_CHECK_INTERVAL_MS: integer(20, 60_000).optional(),
  HTTP_KEEP_ALIVE_MS: integer(1_000, 3_600_000).optional(),
  RATE_LIMIT_FACTOR: integer(0, 1_000_000).optional(),
  PRESENCE_GRACE_MS: integer(0, 600_000).optional(),
  PRESENCE_LEASE_MS: integer(1_000, 600_000).optional(),
  MESSAGE_MAX_LENGTH: integer(1, 100_000).optional(),
  MESSAGE_RETENTION: duration.optional(),
  GROUP_MAX_MEMBERS: integer(2, 100_000).optional(),
  ROOM_EMPTY_ARCHIVE_AFTER: duration.optional(),
  MAX_REQUEST_BYTES: integer(1_024, 104_857_600).optional(),
  MAX_QUERY_COMPLEXITY: integer(100, 10_000_000).optional(),
  MAX_QUERY_DEPTH: integer(3, 100).optional(),
});

/**
 * Reads the settings from an environment. An empty variable counts as absent.
 * @throws ConfigError that lists every mistake, one a line.
 */
export const loadConfig = (environment: Readonly<Record<string, string | undefined>>): Config => {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''));
  const parsed = variables.safeParse(given);
  const lines = (parsed.error?.issues ?? []).map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  if (Number(given['WORKERS']) > 1 && given['REDIS_URL'] === undefined) {
    lines.push('  WORKERS: more than one needs REDIS_URL, through which the processes wake each other');
  }
  const headersTimeoutMs = parsed.data?.HTTP_HEADERS_TIMEOUT_MS ?? 10_000;
  const requestTimeoutMs = parsed.data?.HTTP_REQUEST_TIMEOUT_MS ?? Math.max(30_000, headersTimeoutMs);
  if (requestTimeoutMs < headersTimeoutMs) lines.push('  HTTP_REQUEST_TIMEOUT_MS: must not be less than HTTP_HEADERS_TIMEOUT_MS');
  if (!parsed.success || lines.length > 0) throw new ConfigError(`The configuration is wrong:\n${lines.join('\n')}`);
  const set = parsed.data;
  const env = set.NODE_ENV;
  return deepFreeze({
    env,
    port: set.PORT ?? (env === 'test' ? 0 : 4000),
    host: set.HOST ?? (env === 'production' ? '0.0.0.0' : '127.0.0.1'),
    corsOrigins: set.CORS_ORIGINS ?? (env === 'production' ? [] : ['*']),
    trustProxy: set.TRUST_PROXY ?? false,
    dataDir: set.DATA_DIR ?? '.data',
    workers: set.WORKERS ?? 1,
    drainMs: set.DRAIN_MS ?? (env === 'test' ? 0 : 10_000),
    logLevel: set.LOG_LEVEL ?? (env === 'test' ? 'silent' : env === 'production' ? 'info' : 'warn'),
    demoData: set.DEMO_DATA ?? (env === 'development' && set.DATABASE_URL === undefined),
    database: {
      url: set.DATABASE_URL ?? null,
      poolSize: set.DATABASE_POOL_SIZE ?? 10,
      timeoutMs: set.DATABASE_TIMEOUT_MS ?? 5_000,
      durable: env !== 'test',
    },
    redis: { url: set.REDIS_URL ?? null, prefix: set.REDIS_PREFIX ?? 'lyceum:' },
    jobs: { concurrency: set.JOB_CONCURRENCY ?? (env === 'test' ? 2 : 4) },
    jwt: {
      privateKey: set.JWT_PRIVATE_KEY ?? null,
      issuer: set.JWT_ISSUER ?? 'lyceum',
      audience: set.JWT_AUDIENCE ?? 'lyceum',
      accessTtlSeconds: set.JWT_ACCESS_TTL_SECONDS ?? 900,
      refreshTtlSeconds: set.JWT_REFRESH_TTL_SECONDS ?? 2_592_000,
    },
    realtime: {
      reconcileMs: set.RECONCILE_MS ?? 2_000,
      stateMinIntervalMs: set.STATE_MIN_INTERVAL_MS ?? 100,
      queueLimit: set.SUBSCRIBER_QUEUE_LIMIT ?? 1_000,
      maxSelections: set.MAX_SELECTIONS_PER_STREAM ?? 10,
    },
    delivery: {
      coalesceMs: set.COALESCE_MS ?? 2,
      maxFrames: set.SOCKET_QUEUE_FRAMES ?? 1_000,
      maxBytes: set.SOCKET_QUEUE_BYTES ?? 1_048_576,
      maxBytesPerAddress: set.SEND_BYTES_PER_ADDRESS ?? 67_108_864,
      maxTotalBytes: set.SEND_BYTES_TOTAL ?? 268_435_456,
      stallMs: set.SOCKET_STALL_MS ?? 30_000,
      pingMs: set.PING_INTERVAL_MS ?? 12_000,
    },
    sockets: {
      maxSubscriptions: set.MAX_SUBSCRIPTIONS_PER_SOCKET ?? 500,
      subscribesPerSecond: set.MAX_SUBSCRIBES_PER_SECOND ?? 200,
      maxPerAddress: set.MAX_SOCKETS_PER_ADDRESS ?? (env === 'production' ? 1_000 : 100_000),
    },
    http: {
      headersTimeoutMs,
      requestTimeoutMs,
      checkIntervalMs: set.HTTP_CHECK_INTERVAL_MS ?? 1_000,
      keepAliveMs: set.HTTP_KEEP_ALIVE_MS ?? 120_000,
      maxConnectionsPerAddress: set.MAX_CONNECTIONS_PER_ADDRESS ?? (env === 'production' ? 500 : 100_000),
    },
    rateLimits: { factor: set.RATE_LIMIT_FACTOR ?? (env === 'production' ? 1 : 1_000) },
    presence: { graceMs: set.PRESENCE_GRACE_MS ?? 5_000, leaseMs: set.PRESENCE_LEASE_MS ?? 15_000 },
    messages: { maxLength: set.MESSAGE_MAX_LENGTH ?? 1_000, retentionMs: set.MESSAGE_RETENTION ?? null },
    groups: { maxMembers: set.GROUP_MAX_MEMBERS ?? 1_000 },
    rooms: { archiveAfterMs: set.ROOM_EMPTY_ARCHIVE_AFTER ?? UNITS.d },
    limits: {
      requestBytes: set.MAX_REQUEST_BYTES ?? 1_048_576,
      queryComplexity: set.MAX_QUERY_COMPLEXITY ?? 20_000,
      queryDepth: set.MAX_QUERY_DEPTH ?? 12,
    },
  });
};

const deepFreeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
};
