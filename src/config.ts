import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** What a variable of the environment may be. */
interface Kind<Value> {
  readonly schema: z.ZodType<Value, string>;
  /** The same in words, as Markdown. */
  readonly text: string;
}

const choice = <const Values extends readonly [string, ...string[]]>(...values: Values): Kind<Values[number]> => ({
  schema: z.enum(values),
  text: values.map((value) => `\`${value}\``).join(', '),
});
const flag: Kind<boolean> = {
  schema: z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1'),
  text: '`true`, `false`',
};
const integer = (min: number, max: number): Kind<number> => ({
  schema: z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be between ${min} and ${max}`),
  text: `${min} to ${max}`,
});
const text = (max?: number): Kind<string> =>
  max === undefined ? { schema: z.string(), text: 'text' } : { schema: z.string().max(max), text: `text of up to ${max} characters` };
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** In milliseconds. */
const duration: Kind<number> = {
  schema: z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a whole number above 0 and s, m, h or d, such as 24h')
    .transform((value) => Number(value.slice(0, -1)) * UNITS[value.slice(-1) as keyof typeof UNITS]),
  text: 'a number and `s`, `m`, `h` or `d`',
};
const url = (...schemes: string[]): Kind<string> => {
  const named = schemes.map((scheme) => `${scheme}://`);
  return {
    schema: z
      .string()
      .refine(
        (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)),
        `must be a URL that starts with ${named.join(' or ')}`,
      ),
    text: `a URL, ${named.map((start) => `\`${start}\``).join(' or ')}`,
  };
};
const origins: Kind<readonly string[]> = {
  schema: z
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
    ),
  text: 'origins, separated by commas, or `*`',
};
const hosts: Kind<readonly string[]> = {
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((host) => host.trim())
        .filter((host) => host !== '')
        .map((host) => hostOf(host) ?? ''),
    )
    .refine((list) => !list.includes(''), 'must be names such as lyceum.example, with a port or without, separated by commas'),
  text: 'names with a port or without, separated by commas',
};
/** A host and perhaps a port as a URL writes them, in lower case and ASCII; null for anything else. */
const hostOf = (text: string): string | null => {
  if (!URL.canParse(`http://${text}/`)) return null;
  const { host, href } = new URL(`http://${text}/`);
  return href === `http://${host}/` && /^[\w.:[\]-]+$/.test(host) ? host : null;
};
const origin: Kind<string> = {
  schema: z
    .string()
    .refine(
      (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && `${new URL(value).origin}/` === new URL(value).href,
      'must be an origin such as https://lyceum.example',
    )
    .transform((value) => new URL(value).origin),
  text: 'an origin, `https://` or `http://`',
};
const domains: Kind<readonly string[]> = {
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((domain) => domain.trim())
        .filter((domain) => domain !== '')
        // What is no domain becomes the empty text.
        .map((domain) => domainToASCII(domain)),
    )
    .refine((list) => list.every((domain) => /^[a-z0-9.-]+$/.test(domain)), 'must be domains such as example.com, separated by commas'),
  text: 'domains, separated by commas',
};
const domain: Kind<string> = {
  schema: z
    .string()
    .refine((value) => /^[a-z0-9.-]+$/.test(value) && domainToASCII(value) === value, 'must be a domain such as example.com'),
  text: 'a domain',
};
const mailbox: Kind<string> = {
  schema: z
    .string()
    .regex(/^(?:[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/, 'must be an address such as Lyceum <mail@example.com>'),
  text: 'an address, with a name before it or without',
};
const pem: Kind<string> = {
  schema: z
    .string()
    // A variable cannot always hold line breaks: \n is read as one.
    .transform((value) => value.replaceAll('\\n', '\n').trim())
    .refine(
      (value) => /^(?:-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE KEY-----\s*)+$/.test(value),
      'must be a private key in PKCS#8 PEM form, or several',
    ),
  text: 'PKCS#8 PEM, `\\n` for line breaks',
};

/** Of 32 bytes, in base64 of either alphabet. */
const KEY = /^[A-Za-z0-9+/_-]{43}=?$/;
const keys: Kind<readonly Uint8Array[]> = {
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((key) => key.trim())
        .filter((key) => key !== ''),
    )
    .refine(
      (list) => list.every((key) => KEY.test(key)),
      'must be keys of 32 bytes in base64, such as `openssl rand -base64 32` makes, separated by commas',
    )
    .transform((list) => list.map((key) => new Uint8Array(Buffer.from(key, 'base64')))),
  text: '32 bytes in base64; several, separated by commas',
};

/** Addresses by which a machine reaches itself: nobody listens in between. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const isSafeUrl = (value: string): boolean => {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password, hash } = new URL(value);
  return (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) && `${username}${password}${hash}` === '';
};
const safeUrl = z.string().refine(isSafeUrl, 'must be a URL that starts with https://, or http:// on this machine');

/** One that signs people in for this server, by OpenID Connect. */
const issuer = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be up to 32 small letters, digits and hyphens, and begin with a letter'),
    label: z.string().trim().min(1).max(60).optional(),
    issuer: safeUrl,
    clientId: z.string().min(1).max(500),
    clientSecret: z.string().min(1).max(2_000).optional(),
    scopes: z
      .string()
      .max(1_000)
      .refine((scopes) => scopes.split(' ').includes('openid'), 'must have openid among them')
      .default('openid profile email'),
    redirectUris: z.array(safeUrl).max(20).default([]),
    createAccounts: z.boolean().default(true),
    trustMail: z.boolean().default(false),
    tokenAudience: z.string().min(1).max(500).optional(),
  })
  .transform(({ label, clientSecret, tokenAudience, ...rest }) => ({
    ...rest,
    label: label ?? rest.name,
    clientSecret: clientSecret ?? null,
    tokenAudience: tokenAudience ?? null,
  }));

/** The settings of one issuer; the README has a table of them. */
export type IssuerSettings = Readonly<z.output<typeof issuer>>;

const MAX_ISSUERS = 20;
const issuers: Kind<readonly IssuerSettings[]> = {
  schema: z.string().transform((value, issue): readonly IssuerSettings[] => {
    const refuse = (message: string): void => issue.addIssue({ code: 'custom', message });
    try {
      const parsed = z
        .array(issuer)
        .max(MAX_ISSUERS)
        .safeParse(value === '' ? [] : JSON.parse(value));
      // Messages name fields and never repeat what they hold: a secret may be among it.
      if (!parsed.success) for (const { path, message } of parsed.error.issues) refuse(`${path.join('.')}: ${message}`);
      else if (new Set(parsed.data.map(({ name }) => name)).size < parsed.data.length) refuse('two issuers have the same name');
      else if (new Set(parsed.data.map((each) => issuerKey(each.issuer))).size < parsed.data.length) refuse('one issuer is there twice');
      else return parsed.data;
    } catch {
      refuse('must be a list in JSON');
    }
    return z.NEVER;
  }),
  text: 'JSON, see [Sign-in by other servers](#sign-in-by-other-servers)',
};

/** An issuer for comparing: it is the same with a slash at its end and without. */
export const issuerKey = (url: string): string => url.replace(/\/$/, '');

type Environment = 'development' | 'test' | 'production';

/** The host of an address that was given; that of this machine otherwise. */
const hostnameOf = (url: unknown): string => (typeof url === 'string' ? new URL(url).hostname : 'localhost');

/** What a default may depend on. */
interface Known {
  readonly env: Environment;
  /** What a variable is set to; undefined when it is not. */
  readonly given: (name: string) => unknown;
}

/** One setting: all there is to know of it, for the process and for the README's table. */
export interface Setting<Value> {
  /** The name of its variable. */
  readonly name: string;
  readonly kind: Kind<unknown>;
  readonly defaultOf: (known: Known) => Value;
  /** The default in words, as Markdown. */
  readonly defaultText: string;
  /** What it is for, as Markdown. */
  readonly meaning: string;
}

const shown = (value: unknown): string => {
  if (value === null) return '';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `\`${value.join(',')}\``;
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
};

/** A setting with a default for everyone, and others for some environments. */
const setting = <Value, Default extends Value | null>(
  name: string,
  kind: Kind<Value>,
  defaults: { readonly is: Default; readonly production?: Value; readonly test?: Value },
  meaning: string,
): Setting<Value | Default> => {
  const { is, ...others } = defaults;
  const inOthers = Object.entries(others).map(([env, value]) => `${env}: ${shown(value)}`);
  return {
    name,
    kind,
    defaultOf: ({ env }) => (env === 'development' ? is : (others[env] ?? is)),
    defaultText: `${shown(is)}${inOthers.length === 0 ? '' : ` (${inOthers.join(', ')})`}`,
    meaning,
  };
};

/** A setting whose default depends on others. */
const dependent = <Value>(
  name: string,
  kind: Kind<Value>,
  defaultOf: (known: Known) => Value,
  defaultText: string,
  meaning: string,
): Setting<Value> => ({ name, kind, defaultOf, defaultText, meaning });

/**
 * Every setting of the process, once: where it stands in {@link Config}, the name of its variable, what it may be, its default and its meaning.
 * The README's table is made from it. What is null by default is none.
 */
export const SETTINGS = {
  env: setting('NODE_ENV', choice('development', 'test', 'production'), { is: 'development' }, 'chooses the defaults below'),
  port: setting('PORT', integer(0, 65_535), { is: 4_000, test: 0 }, 'where to listen; 0 takes a free one'),
  host: setting('HOST', text(), { is: '127.0.0.1', production: '0.0.0.0' }, 'the address to listen on'),
  corsOrigins: setting(
    'CORS_ORIGINS',
    origins,
    { is: ['*'], production: [] },
    "of browsers that may call and open sockets; the server's own pages always may",
  ),
  webClient: setting('WEB_CLIENT', flag, { is: true }, 'serve the web client at `/`; without it, `/` leads to GraphiQL'),
  publicUrl: dependent(
    'PUBLIC_URL',
    origin,
    ({ given }) => `http://localhost:${Number(given('PORT') ?? 4_000)}`,
    '`http://localhost:` and the port',
    'where people find this server: what the links in mails begin with',
  ),
  requireSecondFactor: setting(
    'REQUIRE_SECOND_FACTOR',
    choice('MEMBER', 'MODERATOR', 'ADMIN'),
    { is: null },
    'the least role that needs a second factor: whoever has none may do what the role below may, and set one up',
  ),
  passkeyDomain: dependent(
    'PASSKEY_DOMAIN',
    domain,
    ({ given }) => hostnameOf(given('PUBLIC_URL')),
    'the host of `PUBLIC_URL`',
    'the domain that passkeys are for: that of `PUBLIC_URL`, or one above it that other pages share. With another one, no passkey is good any more',
  ),
  trustProxy: setting('TRUST_PROXY', flag, { is: false }, 'believe the last address in `X-Forwarded-For`, and `X-Forwarded-Proto`'),
  requireTls: setting(
    'REQUIRE_TLS',
    flag,
    { is: false },
    'refuse what came to the proxy without TLS: pages are sent to `https://`, the rest gets FORBIDDEN; needs `TRUST_PROXY`',
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    hosts,
    { is: [] },
    'the names under which this server answers; asked by another one in `Host` it answers 421, but for `/healthz` and `/readyz`. Without it, by any name',
  ),
  graphiql: setting('GRAPHIQL', flag, { is: true, production: false }, 'serve GraphiQL at `/graphql` to browsers'),
  dataDir: setting('DATA_DIR', text(), { is: '.data' }, 'the embedded database'),
  workers: setting(
    'WORKERS',
    integer(1, 64),
    { is: 1 },
    'processes behind the one port, see [Several processes](#several-processes); more than one needs `REDIS_URL`',
  ),
  drainMs: setting(
    'DRAIN_MS',
    integer(0, 600_000),
    { is: 10_000, test: 0 },
    'over how long the closes of sockets and event streams are spread at a stop',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    { is: 'warn', production: 'info', test: 'silent' },
    'what is logged: lines of this level and of graver ones',
  ),
  accessLog: setting(
    'ACCESS_LOG',
    flag,
    { is: false },
    'a line in the log for each request and operation, whatever `LOG_LEVEL` is, see [The log](#the-log)',
  ),
  demoData: dependent(
    'DEMO_DATA',
    flag,
    ({ env, given }) => env === 'development' && given('DATABASE_URL') === undefined,
    '`true` in development without `DATABASE_URL`, else `false`',
    'fill an empty database with demo content, an administrator with a known password among it: not for a server that others can reach',
  ),
  files: {
    dir: setting(
      'FILES_DIR',
      text(),
      { is: null },
      'the folder of stored files, which all processes share; without it, `files` in `DATA_DIR`',
    ),
    linkLifeMs: dependent(
      'FILE_LINK_LIFE',
      duration,
      () => UNITS.h,
      '`1h`',
      'how long a link to a file is good; whoever may see the file is given a new one',
    ),
  },
  retention: {
    sessionMs: dependent(
      'SESSION_KEPT',
      duration,
      () => 30 * UNITS.d,
      '`30d`',
      'how long the row of a session is kept after its end, for the investigation of incidents',
    ),
    addressMs: dependent(
      'ADDRESS_KEPT',
      duration,
      () => 90 * UNITS.d,
      '`90d`',
      'how long a session keeps the address that it began from and what the client said of itself, whether or not it goes on',
    ),
    alertMs: dependent(
      'ALERT_KEPT',
      duration,
      () => 365 * UNITS.d,
      '`365d`',
      'how long alerts for administrators are kept, which name accounts, and the addresses of who was banned',
    ),
    readNotificationMs: dependent(
      'NOTIFICATION_READ_KEPT',
      duration,
      () => 90 * UNITS.d,
      '`90d`',
      'how long a notification is kept once it was read; clients that were away for longer begin anew, as they do after 90 days in any case',
    ),
    unreadNotificationMs: dependent(
      'NOTIFICATION_UNREAD_KEPT',
      duration,
      () => 365 * UNITS.d,
      '`365d`',
      'how long a notification is kept that nobody reads, after what it last told',
    ),
  },
  exports: {
    keptMs: dependent(
      'EXPORT_KEPT',
      duration,
      () => 7 * UNITS.d,
      '`7d`',
      'how long the file of an export of what is stored about somebody is kept',
    ),
    maxBytes: setting('EXPORT_MAX_BYTES', integer(1_048_576, 2_147_483_647), { is: 2_147_483_647 }, 'bytes that such a file may have'),
  },
  database: {
    url: setting(
      'DATABASE_URL',
      url('postgresql', 'postgres'),
      { is: null },
      'a PostgreSQL from 14 up instead of the embedded one; `?schema=` as in Prisma. A pooler before it must keep sessions: one in transaction mode is refused at the start',
    ),
    migrationUrl: setting(
      'DATABASE_MIGRATION_URL',
      url('postgresql', 'postgres'),
      { is: null },
      'the same database as a role that migrates and owns the tables; the role of `DATABASE_URL` then only serves, and is granted what it needs at every start. See [Who may change what](#who-may-change-what)',
    ),
    poolSize: setting('DATABASE_POOL_SIZE', integer(1, 1_000), { is: 10 }, 'connections of one process'),
    timeoutMs: setting(
      'DATABASE_TIMEOUT_MS',
      integer(100, 600_000),
      { is: 5_000 },
      'longest wait for a connection, and for one statement; then UNAVAILABLE',
    ),
  },
  queryCache: {
    maxBytes: setting(
      'QUERY_CACHE_BYTES',
      integer(0, 17_179_869_184),
      { is: 67_108_864, test: 0 },
      'memory for answers that are the same for many; each is given until somebody writes to a table it was made from, and for `RECONCILE_MS` at the most. With 0 equal queries share nothing',
    ),
    maxStaleMs: setting(
      'QUERY_STALE_MS',
      integer(0, 86_400_000),
      { is: 0 },
      'up to which age such an answer is given while the database is away, marked with `extensions.stale` and `Age`; with 0 none is',
    ),
  },
  redis: {
    url: setting(
      'REDIS_URL',
      url('redis', 'rediss'),
      { is: null },
      'wakes other processes and counts for the rate limits of all; needed for more than one process, never trusted with data',
    ),
    prefix: setting('REDIS_PREFIX', text(64), { is: 'lyceum:' }, 'of every channel and key'),
  },
  jobs: {
    concurrency: setting(
      'JOB_CONCURRENCY',
      integer(0, 100),
      { is: 4, test: 2 },
      'jobs that one process runs at a time, over up to one connection more than that beside the pool; 0 leaves them to others',
    ),
  },
  mail: {
    smtpUrl: setting(
      'SMTP_URL',
      url('smtp', 'smtps'),
      { is: null },
      'the server that takes mails, with name and password where it asks for them; without it, mails are written to the log with their links',
    ),
    from: setting('MAIL_FROM', mailbox, { is: null }, 'whom mails are from; needed with `SMTP_URL`'),
  },
  accounts: {
    registration: dependent(
      'REGISTRATION',
      choice('open', 'invitation', 'closed'),
      () => 'open' as const,
      '`open`',
      'who may make an account: anybody, whoever has an invitation, or nobody. The first administrator may in any case, by the link that an empty server prints',
    ),
    guests: dependent(
      'GUESTS',
      flag,
      ({ given }) => (given('REGISTRATION') ?? 'open') === 'open',
      '`true` with `REGISTRATION=open`, else `false`',
      'whether one may join with nothing but a name',
    ),
    guestUnusedAfterMs: dependent(
      'GUEST_UNUSED_AFTER',
      duration,
      () => 30 * UNITS.d,
      '`30d`',
      'how long ago a guest who cannot come back must have been here to be deleted, if they have left nothing',
    ),
    directory: dependent(
      'DIRECTORY',
      choice('everyone', 'members'),
      () => 'everyone' as const,
      '`everyone`',
      'who sees the list of users: everyone, or members alone, whom no guest and nobody who is not signed in can look for',
    ),
    invitationsBy: dependent(
      'INVITATIONS_BY',
      choice('ADMIN', 'MODERATOR', 'MEMBER'),
      () => 'ADMIN' as const,
      '`ADMIN`',
      'the least role of those who may invite others',
    ),
    terms: {
      version: setting(
        'TERMS_VERSION',
        text(64),
        { is: null },
        'the version of your terms, such as the day they are of: users accept it before they do anything, and again when it changes. Without it, nothing is asked',
      ),
      url: setting('TERMS_URL', url('https', 'http'), { is: null }, 'where the terms can be read; needed with `TERMS_VERSION`'),
    },
    blockedMailDomains: setting(
      'BLOCKED_MAIL_DOMAINS',
      domains,
      { is: [] },
      'domains whose mail addresses are refused for accounts, and those below them',
    ),
    passwordMinScore: setting(
      'PASSWORD_MIN_SCORE',
      integer(0, 4),
      { is: 3, test: 0 },
      'how hard to guess a new password must be, by estimate: 3 is ten thousand million guesses, 2 a hundredth of that; with 0 it is not estimated',
    ),
  },
  masterKeys: setting(
    'MASTER_KEY',
    keys,
    { is: [] },
    'under which secrets are encrypted that must be read again, such as those of second factors: the first one, the others are for what was encrypted before. See [The master key](#the-master-key). Without it, one is generated in the database',
  ),
  oidc: {
    issuers: setting(
      'OIDC_ISSUERS',
      issuers,
      { is: [] },
      'the servers by which people may sign in with OpenID Connect, and whose tokens are taken where that is said of them',
    ),
  },
  jwt: {
    privateKey: setting(
      'JWT_PRIVATE_KEY',
      pem,
      { is: null },
      'Ed25519 or P-256 keys, of which the first signs access tokens and all verify them; processes that serve together need the same. Without it, they are in the database under the master key, and `npm run lyceum -- keys rotate` replaces them',
    ),
    issuer: setting('JWT_ISSUER', text(), { is: 'lyceum' }, 'claim of access tokens'),
    audience: setting('JWT_AUDIENCE', text(), { is: 'lyceum' }, 'claim of access tokens'),
    accessTtlSeconds: setting('JWT_ACCESS_TTL_SECONDS', integer(1, 86_400), { is: 900 }, 'life of an access token'),
    refreshTtlSeconds: setting(
      'JWT_REFRESH_TTL_SECONDS',
      integer(60, 31_536_000),
      { is: 2_592_000 },
      'life of a session that is not refreshed',
    ),
  },
  realtime: {
    reconcileMs: setting('RECONCILE_MS', integer(50, 600_000), { is: 2_000 }, 'how late an event is at the most when its wake was lost'),
    stateMinIntervalMs: setting('STATE_MIN_INTERVAL_MS', integer(0, 60_000), { is: 100 }, 'shortest time between two values of one state'),
    maxSelections: setting(
      'MAX_SELECTIONS_PER_STREAM',
      integer(1, 100_000),
      { is: 10 },
      'different selections of one stream that one viewer, or without a token one address, may follow at a time in one process; one more is refused with RATE_LIMITED',
    ),
  },
  delivery: {
    coalesceMs: setting(
      'COALESCE_MS',
      integer(0, 1_000),
      { is: 2 },
      'how long results for one socket or event stream are collected before they leave in one write; the first of a quiet moment leaves at once',
    ),
    maxFrames: setting(
      'SOCKET_QUEUE_FRAMES',
      integer(16, 1_000_000),
      { is: 1_000 },
      'results that may wait for one socket or event stream; beyond it, a log ends with SLOW_CONSUMER and a state keeps its newest value',
    ),
    maxBytes: setting(
      'SOCKET_QUEUE_BYTES',
      integer(16_384, 1_073_741_824),
      { is: 1_048_576 },
      'the same in bytes, what was written and not taken included. Beside it there may be a single result that is larger, and answers to operations up to as much again, upon which the socket is cut',
    ),
    maxBytesPerAddress: setting(
      'SEND_BYTES_PER_ADDRESS',
      integer(16_384, 1_099_511_627_776),
      { is: 67_108_864 },
      'what is held for the sockets and event streams of one address that do not take what is sent; beyond it, those that have been blocked for longest get SLOW_CONSUMER or are cut. Behind a proxy, set `TRUST_PROXY`',
    ),
    maxTotalBytes: setting(
      'SEND_BYTES_TOTAL',
      integer(16_384, 1_099_511_627_776),
      { is: 268_435_456 },
      'the same for those of the whole process',
    ),
    stallMs: setting(
      'SOCKET_STALL_MS',
      integer(100, 600_000),
      { is: 30_000 },
      'how long a socket or event stream may take nothing at all of what waits for it before it is cut',
    ),
    pingMs: setting(
      'PING_INTERVAL_MS',
      integer(50, 600_000),
      { is: 12_000 },
      'how often sockets are pinged and event streams get a comment; a socket that does not answer is cut when the next one is due',
    ),
  },
  sockets: {
    maxSubscriptions: setting(
      'MAX_SUBSCRIPTIONS_PER_SOCKET',
      integer(1, 1_000_000),
      { is: 500 },
      'operations that one socket may have running; one more is refused with RATE_LIMITED',
    ),
    subscribesPerSecond: setting(
      'MAX_SUBSCRIBES_PER_SECOND',
      integer(1, 1_000_000),
      { is: 200 },
      'operations that one socket may begin, beside a first burst; a flood is closed with 4429',
    ),
    maxPerAddress: setting(
      'MAX_SOCKETS_PER_ADDRESS',
      integer(1, 1_000_000),
      { is: 100_000, production: 1_000 },
      'sockets and event streams of one address in one process; one more is refused with 429. Behind a proxy, set `TRUST_PROXY`',
    ),
  },
  http: {
    headersTimeoutMs: setting(
      'HTTP_HEADERS_TIMEOUT_MS',
      integer(100, 600_000),
      { is: 10_000 },
      'how long the headers of a request may take to arrive; then it is answered with 408. Time in which the server could not listen does not count',
    ),
    requestTimeoutMs: dependent(
      'HTTP_REQUEST_TIMEOUT_MS',
      integer(100, 3_600_000),
      ({ given }) => Math.max(30_000, Number(given('HTTP_HEADERS_TIMEOUT_MS') ?? 0)),
      '`30000`, or as long as the headers',
      'the same for the whole of a request; not less than its headers may take',
    ),
    checkIntervalMs: setting(
      'HTTP_CHECK_INTERVAL_MS',
      integer(20, 60_000),
      { is: 1_000 },
      'how often it is looked whether one has taken longer',
    ),
    keepAliveMs: setting(
      'HTTP_KEEP_ALIVE_MS',
      integer(1_000, 3_600_000),
      { is: 120_000 },
      'how long clients may use a connection again after an answer, as `Keep-Alive` tells them; it is kept ten seconds longer. More than the idle time of a load balancer in front, such as the 60 s of nginx and of AWS',
    ),
    maxConnectionsPerAddress: setting(
      'MAX_CONNECTIONS_PER_ADDRESS',
      integer(1, 1_000_000),
      { is: 100_000, production: 500 },
      'other connections of one address in one process, half-sent requests among them; one more is refused with 429. Not counted with `TRUST_PROXY`, where all come from the proxy',
    ),
  },
  rateLimits: {
    factor: setting(
      'RATE_LIMIT_FACTOR',
      integer(0, 1_000_000),
      { is: 1_000, production: 1 },
      'multiplies every limit on how often something may be done, those of `src/access/rate-limits.ts` (wrong passwords and codes, sign-ups, messages and more, by address and by user) and the next two; 0 takes them away. Behind a proxy, set `TRUST_PROXY`',
    ),
    operationsPerAddress: setting(
      'MAX_OPERATIONS_PER_ADDRESS',
      integer(1, 1_000_000),
      { is: 2_000 },
      'operations in a second, over HTTP, event streams and sockets, that one address may begin in one process in the long run, and thirty times as many at once; the handshake of a socket counts as two. One more is refused with RATE_LIMITED, unread',
    ),
    operationsPerViewer: setting(
      'MAX_OPERATIONS_PER_VIEWER',
      integer(1, 1_000_000),
      { is: 500 },
      'the same for one who is signed in, from all of their addresses',
    ),
  },
  costs: {
    costPerViewer: setting(
      'MAX_COST_PER_VIEWER',
      integer(1_000, 1_000_000_000),
      { is: 300_000 },
      'what the operations of one who is signed in may cost in a minute, in rows; a twentieth of it at once. Beyond it they are refused with RATE_LIMITED. With `REDIS_URL`, in all processes together. Multiplied by `RATE_LIMIT_FACTOR`, as the next two are',
    ),
    costPerAddress: setting(
      'MAX_COST_PER_ADDRESS',
      integer(1_000, 1_000_000_000),
      { is: 600_000 },
      'the same for one address; what is sent counts too',
    ),
    eventCost: setting(
      'MAX_EVENT_COST',
      integer(1_000, 1_000_000_000),
      { is: 200_000 },
      'what the events of the subscriptions of one viewer, or without a token of one address, may cost in a minute in one process; beyond it they come later',
    ),
  },
  presence: {
    graceMs: setting(
      'PRESENCE_GRACE_MS',
      integer(0, 600_000),
      { is: 5_000 },
      'how long a user stays ONLINE or AWAY after the last device has gone',
    ),
    leaseMs: setting('PRESENCE_LEASE_MS', integer(1_000, 600_000), { is: 15_000 }, 'how long a process that died counts as alive'),
  },
  messages: {
    maxLength: setting('MESSAGE_MAX_LENGTH', integer(1, 100_000), { is: 1_000 }, 'characters that one message may have'),
    retentionMs: setting(
      'MESSAGE_RETENTION',
      duration,
      { is: null },
      'how long conversations keep their messages and events, such as `90d`; without it, for ever. Looked at every hour',
    ),
  },
  groups: {
    maxMembers: setting(
      'GROUP_MAX_MEMBERS',
      integer(2, 100_000),
      { is: 1_000 },
      'members that one group may have; a room has as many as come',
    ),
  },
  rooms: {
    archiveAfterMs: dependent(
      'ROOM_EMPTY_ARCHIVE_AFTER',
      duration,
      () => UNITS.d,
      '`24h`',
      'how long a room may be empty before it is archived and its code is free again',
    ),
  },
  documents: {
    ttlMs: dependent(
      'PERSISTED_DOCUMENT_TTL',
      duration,
      () => UNITS.d,
      '`24h`',
      'how long a document that a client has sent with its hash is known by the hash alone after its last use; with `REDIS_URL` to all processes',
    ),
    trusted: setting(
      'TRUSTED_DOCUMENTS',
      text(),
      { is: null },
      'a manifest, a JSON file of ids and documents that are always known by their ids, see [Persisted and trusted documents](#persisted-and-trusted-documents)',
    ),
    trustedOnly: setting(
      'TRUSTED_DOCUMENTS_ONLY',
      flag,
      { is: false },
      'execute no other documents than those of `TRUSTED_DOCUMENTS`: neither GraphiQL nor introspection works then',
    ),
  },
  schema: {
    introspection: setting(
      'INTROSPECTION',
      flag,
      { is: true, production: false },
      'answer `__schema` and `__type`, of which tools read the schema',
    ),
    suggestions: setting('SUGGESTIONS', flag, { is: true, production: false }, 'name what a wrong name may have meant (“Did you mean …?”)'),
  },
  limits: {
    requestBytes: setting('MAX_REQUEST_BYTES', integer(1_024, 104_857_600), { is: 1_048_576 }, 'one HTTP body, one WebSocket message'),
    queryTokens: setting('MAX_QUERY_TOKENS', integer(100, 1_000_000), { is: 10_000 }, 'tokens that one document may have'),
    queryAliases: setting('MAX_QUERY_ALIASES', integer(1, 100_000), { is: 500 }, 'aliases that one document may have'),
    queryDirectives: setting('MAX_QUERY_DIRECTIVES', integer(1, 100_000), { is: 200 }, 'directives that one document may have'),
    queryFragments: setting(
      'MAX_QUERY_FRAGMENTS',
      integer(1, 100_000),
      { is: 500 },
      'fragments that one document may define, and how often it may spread fragments, those without a name included',
    ),
    queryRootFields: setting(
      'MAX_QUERY_ROOT_FIELDS',
      integer(1, 100_000),
      { is: 100 },
      'root fields that one operation may have, those of its fragments counted wherever they are spread',
    ),
    queryNesting: setting(
      'MAX_QUERY_NESTING',
      integer(10, 500),
      { is: 200 },
      'how deep the brackets of one document may nest, also through its fragments',
    ),
    queryFields: setting(
      'MAX_QUERY_FIELDS',
      integer(100, 1_000_000),
      { is: 20_000 },
      'fields that one document may ask for, those of its fragments counted wherever they are spread',
    ),
    resultLength: setting(
      'MAX_RESULT_LENGTH',
      integer(10_000, 1_000_000_000),
      { is: 8_000_000 },
      'characters that the data of one answer, or of one event, may have',
    ),
    queryComplexity: setting(
      'MAX_QUERY_COMPLEXITY',
      integer(100, 10_000_000),
      { is: 5_000 },
      'what one operation may cost, in rows; see “What an operation costs”',
    ),
    eventComplexity: setting(
      'MAX_EVENT_COMPLEXITY',
      integer(10, 10_000_000),
      { is: 1_000 },
      'what one event of a subscription may cost, in rows; a dearer selection is refused when one subscribes',
    ),
    operationTimeoutMs: setting(
      'OPERATION_TIMEOUT_MS',
      integer(100, 600_000),
      { is: 10_000 },
      'how long a query may take; then it is TIMED_OUT, no further statement of it begins, and the one that runs is cancelled. A mutation that has begun to write is done and answered whatever it takes',
    ),
    queryDepth: setting(
      'MAX_QUERY_DEPTH',
      integer(3, 100),
      { is: 12 },
      'how deep its fields may nest, but for `edges`, `node` and introspection',
    ),
  },
} as const;

interface Table {
  readonly [field: string]: Setting<unknown> | Table;
}

type Values<Of> = {
  readonly [Field in keyof Of]: Of[Field] extends Setting<infer Value> ? Value : Values<Of[Field]>;
};

/** The settings of a process, read once and frozen; {@link SETTINGS} says what each is. Times are milliseconds, unless their names say otherwise. */
export type Config = Values<typeof SETTINGS>;

/** Every mistake of the environment at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const isSetting = (entry: Setting<unknown> | Table): entry is Setting<unknown> => typeof entry['name'] === 'string';

const settingsIn = (table: Table): Setting<unknown>[] =>
  Object.values(table).flatMap((entry) => (isSetting(entry) ? [entry] : settingsIn(entry)));

/** All settings, in the order of the table. */
export const allSettings = (): readonly Setting<unknown>[] => settingsIn(SETTINGS);

const fill = (table: Table, valueOf: (entry: Setting<unknown>) => unknown): Readonly<Record<string, unknown>> =>
  Object.freeze(
    Object.fromEntries(Object.entries(table).map(([field, entry]) => [field, isSetting(entry) ? valueOf(entry) : fill(entry, valueOf)])),
  );

/**
 * Reads the settings from an environment. An empty variable counts as absent.
 * @throws ConfigError that lists every mistake, one a line.
 */
export const loadConfig = (environment: Readonly<Record<string, string | undefined>>): Config => {
  const given = new Map(Object.entries(environment).filter((entry): entry is [string, string] => (entry[1] ?? '').trim() !== ''));
  const values = new Map<string, unknown>();
  const lines: string[] = [];
  for (const { name, kind } of allSettings()) {
    const text = given.get(name);
    if (text === undefined) continue;
    const parsed = kind.schema.safeParse(text);
    if (parsed.success) values.set(name, parsed.data);
    else lines.push(...parsed.error.issues.map(({ message }) => `  ${name}: ${message}`));
  }
  const known: Known = { env: (values.get('NODE_ENV') ?? 'development') as Environment, given: (name) => values.get(name) };
  const valueOf = ({ name, defaultOf }: Setting<unknown>): unknown => (values.has(name) ? values.get(name) : defaultOf(known));
  const config = fill(SETTINGS, valueOf) as unknown as Config;
  if (config.workers > 1 && config.redis.url === null)
    lines.push('  WORKERS: more than one needs REDIS_URL, through which the processes wake each other');
  if (config.documents.trustedOnly && config.documents.trusted === null) lines.push('  TRUSTED_DOCUMENTS_ONLY: needs TRUSTED_DOCUMENTS');
  if (config.requireTls && !config.trustProxy) lines.push('  REQUIRE_TLS: needs TRUST_PROXY, since it is the proxy that knows of TLS');
  if ((config.accounts.terms.version === null) !== (config.accounts.terms.url === null))
    lines.push('  TERMS_VERSION: goes with TERMS_URL, where the terms can be read; give both or neither');
  if (config.mail.smtpUrl !== null && config.mail.from === null) lines.push('  SMTP_URL: needs MAIL_FROM, whom mails are from');
  if (config.mail.smtpUrl !== null && config.env === 'production' && !values.has('PUBLIC_URL'))
    lines.push('  SMTP_URL: needs PUBLIC_URL, which the links in mails begin with');
  if (config.database.migrationUrl !== null && config.database.url === null)
    lines.push('  DATABASE_MIGRATION_URL: needs DATABASE_URL, the address as the role that serves');
  for (const { name, issuer: url, redirectUris } of config.oidc.issuers) {
    if (issuerKey(url) === issuerKey(config.jwt.issuer)) lines.push(`  OIDC_ISSUERS: ${name} must not be JWT_ISSUER`);
    if (!config.webClient && redirectUris.length === 0) lines.push(`  OIDC_ISSUERS: ${name} needs redirectUris without WEB_CLIENT`);
  }
  if (config.oidc.issuers.length > 0 && config.env === 'production' && !values.has('PUBLIC_URL'))
    lines.push('  OIDC_ISSUERS: needs PUBLIC_URL, where issuers send people back to');
  const { hostname } = new URL(config.publicUrl);
  if (hostname !== config.passkeyDomain && !hostname.endsWith(`.${config.passkeyDomain}`))
    lines.push('  PASSKEY_DOMAIN: must be the host of PUBLIC_URL, or a domain above it');
  const { headersTimeoutMs, requestTimeoutMs } = config.http;
  if (requestTimeoutMs < headersTimeoutMs) lines.push('  HTTP_REQUEST_TIMEOUT_MS: must not be less than HTTP_HEADERS_TIMEOUT_MS');
  if (lines.length > 0) throw new ConfigError(`The configuration is wrong:\n${lines.join('\n')}`);
  return config;
};
