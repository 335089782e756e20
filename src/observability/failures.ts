import pg from 'pg';

/**
 * Classifies the errors of others: of PostgreSQL, pg and Prisma, of Redis, and of Node. Nothing else recognises such an error by its code or
 * its text. Prisma, its driver adapter, pg and the sockets below wrap errors in their own ways, so the error and all its causes are searched.
 */

/**
 * SQLSTATEs after which the transaction may succeed when run again: serialisation failure, deadlock, and 25P02. The last one is raised by a
 * statement that follows a caught failure, such as a name that another transaction has just taken; the next run sees that row.
 */
const RACE_STATES = new Set(['40001', '40P01', '25P02']);

/**
 * SQLSTATEs of a prepared statement that is no longer valid: its table has changed ("cached plan must not change result type"), or the
 * connection has lost it. 0A000 has other meanings too; then the retry fails with the same error, and nothing is harmed.
 */
const STALE_STATEMENT_STATES = new Set(['0A000', '26000']);

/** The database can be read but not written: it is a standby, or a setting forbids writes. */
const READ_ONLY_STATES = new Set(['25006']);
const DISK_FULL_STATES = new Set(['53100']);

/**
 * SQLSTATEs of failures that pass with time: connection missing or lost (08), resources exhausted (53), server stopping or starting (57P),
 * cancelled or timed out (57014, 25P03, 25P04, 55P03), disk failing (58000, 58030), read-only (25006), and a commit of unknown outcome
 * (40003).
 */
const UNAVAILABLE_STATE = /^(08...|53...|57P..|57014|25P0[34]|55P03|58000|58030|25006|40003)$/;

/** Prisma's codes for the same: unreachable, timed out, connection closed, no connection from the pool, transaction not started. */
const UNAVAILABLE_PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037']);
const UNAVAILABLE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);
const UNAVAILABLE_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections']);

/** The server answers but refuses the connection: wrong password, missing database, wrong certificate. An operator must act. */
const ACCESS_DENIED_STATES = new Set(['28000', '28P01', '3D000', 'P1000', 'P1003', 'P1010', 'P1011']);
const CLOSED_KINDS = new Set(['AuthenticationFailed', 'DatabaseAccessDenied', 'DatabaseDoesNotExist', 'TlsConnectionError']);

/** Messages of pg errors that carry no code. */
const UNAVAILABLE_MESSAGE =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|Client was closed and is not queryable/;

function* chain(error: unknown): Generator<Record<string, unknown>> {
  const seen = new Set<unknown>();
  const next = [error];
  while (next.length > 0) {
    const current = next.shift();
    if (typeof current !== 'object' || current === null || seen.has(current)) continue;
    seen.add(current);
    const fields = current as Record<string, unknown>;
    yield fields;
    next.push(fields['cause'], fields['originalError'], fields['meta'], fields['driverAdapterError']);
    if (Array.isArray(fields['errors'])) next.push(...(fields['errors'] as unknown[]));
  }
}

const some = (error: unknown, matches: (link: Record<string, unknown>) => boolean): boolean => {
  for (const link of chain(error)) if (matches(link)) return true;
  return false;
};

const has = (set: ReadonlySet<string>, value: unknown): boolean => typeof value === 'string' && set.has(value);

/** Whether the error or one of its causes has a matching code, a SQLSTATE or one of Prisma's. */
const hasState = (error: unknown, matches: (code: string) => boolean): boolean =>
  some(error, ({ code, originalCode, errorCode }) =>
    [code, originalCode, errorCode].some((value) => typeof value === 'string' && matches(value)),
  );

/** Whether the database was unreachable, timed out or could not serve the statement at the moment; a later retry may succeed. */
export const isUnavailable = (error: unknown): boolean =>
  hasState(error, (code) => UNAVAILABLE_STATE.test(code) || UNAVAILABLE_PRISMA.has(code) || UNAVAILABLE_SOCKET.has(code)) ||
  some(error, ({ kind, message }) => has(UNAVAILABLE_KINDS, kind) || (typeof message === 'string' && UNAVAILABLE_MESSAGE.test(message))) ||
  isAccessDenied(error) ||
  isRaceLost(error);

/** Whether the server refuses the connection, so that waiting helps only after an operator has acted. */
export const isAccessDenied = (error: unknown): boolean =>
  hasState(error, (code) => ACCESS_DENIED_STATES.has(code)) || some(error, ({ kind }) => has(CLOSED_KINDS, kind));

/** Whether a mail server refuses a mail, its sender or its recipient for good (5xx of RFC 5321), and not merely at present. */
export const isMailRefused = (error: unknown): boolean =>
  some(
    error,
    ({ code, responseCode }) => (code === 'EENVELOPE' || code === 'EMESSAGE') && typeof responseCode === 'number' && responseCode >= 500,
  );

/** Whether a write was refused because the database or the connection is read-only. */
export const isReadOnly = (error: unknown): boolean => hasState(error, (code) => READ_ONLY_STATES.has(code));

/** Whether a write was refused because the disk is full. */
export const isDiskFull = (error: unknown): boolean => hasState(error, (code) => DISK_FULL_STATES.has(code));

/** Whether a prepared statement is no longer valid and must be prepared again. It has not been executed. */
export const isStaleStatement = (error: unknown): boolean => hasState(error, (code) => STALE_STATEMENT_STATES.has(code));

/** Whether the database refused a statement because its role has no right to it. */
export const isForbidden = (error: unknown): boolean => hasState(error, (code) => code === '42501');

/** Whether a statement was cancelled, by request or by a timeout. */
export const isCancelled = (error: unknown): boolean => hasState(error, (code) => code === '57014');

/** Whether the transaction lost a race (serialisation failure, deadlock) and may be run again from its start. */
export const isRaceLost = (error: unknown): boolean =>
  hasState(error, (code) => RACE_STATES.has(code) || code === 'P2034') || some(error, ({ kind }) => kind === 'TransactionWriteConflict');

/** Whether the database has answered with this error, so that the connection can still be used, unless it was the last answer. */
export const isFromServer = (error: unknown): boolean => error instanceof pg.DatabaseError;

/** The error of a statement that follows a failed one, as PostgreSQL has it. */
export const transactionAborted = (): Error =>
  Object.assign(new Error('current transaction is aborted, commands ignored until end of transaction block'), { code: '25P02' });

/** The error of a transaction that has taken too long, as PostgreSQL has it. */
export const transactionTimedOut = (): Error =>
  Object.assign(new Error('terminating transaction due to transaction timeout'), { code: '25P04' });

/** The innermost message of an error, on one line and with its SQLSTATE. Prisma's own messages span several lines and repeat the call. */
export const reasonOf = (error: unknown): string => {
  let said = '';
  let state = '';
  for (const { message, originalMessage, originalCode } of chain(error)) {
    for (const text of [message, originalMessage]) if (typeof text === 'string' && text.trim() !== '') said = text;
    if (typeof originalCode === 'string') state = originalCode;
  }
  const line = (said === '' ? String(error) : said).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_REASON);
  return state === '' ? line : `${line} (${state})`;
};
const MAX_REASON = 300;

/**
 * Whether a row violated a unique index.
 * @param index the name of the index or a part of it, such as a column; left out: any unique index
 */
export const isUniqueViolation = (error: unknown, index = ''): boolean => {
  let violated = false;
  let named = index === '';
  for (const link of chain(error)) {
    if (link['code'] === 'P2002' || link['code'] === '23505' || link['kind'] === 'UniqueConstraintViolation') violated = true;
    const { constraint } = link;
    if (constraint !== undefined && JSON.stringify(constraint).includes(index)) named = true;
  }
  return violated && named;
};

/** Whether a row referred to another row that does not exist. */
export const isForeignKeyViolation = (error: unknown): boolean =>
  some(error, ({ code, kind }) => code === 'P2003' || code === '23503' || kind === 'ForeignKeyConstraintViolation');

/** How poolers refuse the startup parameters of a connection, and, in statement mode, a transaction. */
const POOLERS_REFUSAL = /unsupported startup parameter|transaction blocks not allowed in statement pooling mode/;

/** Whether a connection pooler has refused something that needs a session. */
export const isPoolersRefusal = (error: Error): boolean => POOLERS_REFUSAL.test(error.message);

/** Whether a statement waited for a lock for longer than it may. */
export const isLockTimeout = (error: unknown): boolean => hasState(error, (code) => code === '55P03');

/** Why a PostgreSQL does not start at the moment: the processes of the previous one are still exiting, or another program has taken the port. */
const TEMPORARY_OBSTACLE = /lock file ".*" (already exists|is empty)|pre-existing shared memory block|could not bind/;

/** Whether PostgreSQL did not start for a reason that passes by itself. */
export const isTemporaryObstacle = (error: unknown): boolean => error instanceof Error && TEMPORARY_OBSTACLE.test(error.message);

/** Whether Redis itself has refused a command, such as NOAUTH or OOM; any other failure of a command is that of its connection. */
export const isRedisReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError';

/** Whether an error of Node has one of these codes. The error may come from another realm, such as a `vm` context. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

/** Whether initdb or PostgreSQL refuses the name of a locale, which this system does not have. */
export const isUnknownLocale = (error: unknown): boolean =>
  error instanceof Error && /invalid locale name|could not create locale/.test(error.message);
