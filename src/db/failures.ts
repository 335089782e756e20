/**
 * What a failed statement means, found by walking the error and its causes: Prisma, its driver adapter, pg and the
 * sockets under them each wrap the one below in their own way.
 */

/**
 * SQLSTATEs after which the same transaction may succeed: serialisation failure, deadlock, and a statement after one that has failed, whose
 * failure was caught: what it ran into by then (a name that somebody else has just taken) is there to be seen by the next try.
 */
const RACE_STATES = new Set(['40001', '40P01', '25P02']);

/**
 * SQLSTATEs of a prepared statement that is good no longer: the table it was planned for has changed ("cached plan must not change result
 * type"), or the connection has forgotten it. Other uses of 0A000 are the same at the second attempt, and do no harm at the first.
 */
const STALE_STATES = new Set(['0A000', '26000']);

/** Of a database that can be read, and written to another time: a standby, or a setting; and a full disk. */
const READ_ONLY_STATES = new Set(['25006']);
const NO_ROOM_STATES = new Set(['53100']);

/**
 * SQLSTATEs after which waiting helps: no or a lost connection (08), too few resources (53), stopping, starting or told to by somebody
 * (57P), cancelled or too slow (57014, 25P03, 25P04, 55P03), a failing disk (58000, 58030), read-only (25006), and a commit whose end is
 * not known (40003).
 */
const UNAVAILABLE_STATE = /^(08...|53...|57P..|57014|25P0[34]|55P03|58000|58030|25006|40003)$/;

/** Prisma's codes for the same: unreachable, timed out, connection closed, no connection from the pool, no transaction. */
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

/** A server that is there and does not let us in: a password that has changed, a database that is gone, a certificate. An operator mends it. */
const CLOSED_STATES = new Set(['28000', '28P01', '3D000', 'P1000', 'P1003', 'P1010', 'P1011']);
const CLOSED_KINDS = new Set(['AuthenticationFailed', 'DatabaseAccessDenied', 'DatabaseDoesNotExist', 'TlsConnectionError']);

/** pg reports these without any code. */
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

/** Whether one of the codes that a failure has, a SQLSTATE or Prisma's, is what is looked for. */
const hasState = (error: unknown, matches: (code: string) => boolean): boolean =>
  some(error, ({ code, originalCode, errorCode }) =>
    [code, originalCode, errorCode].some((value) => typeof value === 'string' && matches(value)),
  );

/** Whether the database could not be reached, did not answer in time or could not do it just then; trying again later may help. */
export const isUnavailable = (error: unknown): boolean =>
  hasState(error, (code) => UNAVAILABLE_STATE.test(code) || UNAVAILABLE_PRISMA.has(code) || UNAVAILABLE_SOCKET.has(code)) ||
  some(error, ({ kind, message }) => has(UNAVAILABLE_KINDS, kind) || (typeof message === 'string' && UNAVAILABLE_MESSAGE.test(message))) ||
  isClosed(error) ||
  isRaceLost(error);

/** Whether the database is there and lets nobody in with what we have: waiting helps only once an operator has mended it. */
export const isClosed = (error: unknown): boolean =>
  hasState(error, (code) => CLOSED_STATES.has(code)) || some(error, ({ kind }) => has(CLOSED_KINDS, kind));

/** Whether a write was refused because the database, or this connection, can only be read. */
export const isReadOnly = (error: unknown): boolean => hasState(error, (code) => READ_ONLY_STATES.has(code));

/** Whether a write was refused because the disk is full. */
export const isNoRoom = (error: unknown): boolean => hasState(error, (code) => NO_ROOM_STATES.has(code));

/** Whether a prepared statement has become useless, so that the same text must be prepared anew. Nothing of it was carried out. */
export const isStale = (error: unknown): boolean => hasState(error, (code) => STALE_STATES.has(code));

/** Whether the transaction lost a race (serialisation failure, deadlock) and may be run again from its start. */
export const isRaceLost = (error: unknown): boolean =>
  hasState(error, (code) => RACE_STATES.has(code) || code === 'P2034') || some(error, ({ kind }) => kind === 'TransactionWriteConflict');

/** What the innermost part of a failure says, on one line and with its SQLSTATE: Prisma's own words span several and repeat the call. */
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
 * Whether a row broke a unique index.
 * @param index the index' name, or a part of it such as a column; any unique index when left out
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

/** Whether a row named another one that does not exist. */
export const isForeignKeyViolation = (error: unknown): boolean =>
  some(error, ({ code, kind }) => code === 'P2003' || code === '23503' || kind === 'ForeignKeyConstraintViolation');

/** What poolers say to the settings that a connection begins with, and, in statement mode, to a transaction. */
const POOLERS_REFUSAL = /unsupported startup parameter|transaction blocks not allowed in statement pooling mode/;

/** Whether a connection pooler refuses what a session of its own needs. */
export const isPoolersRefusal = (error: Error): boolean => POOLERS_REFUSAL.test(error.message);
