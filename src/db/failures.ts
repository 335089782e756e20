/**
 * What a failed statement means, found by walking the error and its causes: Prisma, its driver adapter, pg and the
 * sockets under them each wrap the one below in their own way.
 */

/** SQLSTATEs after which the same transaction may succeed: serialisation failure and deadlock. */
const RETRYABLE_STATES = new Set(['40001', '40P01']);

/** SQLSTATE classes and codes of a database that is away, stopping, starting, full or too slow to answer. */
const UNAVAILABLE_STATES = new Set(['08000', '08001', '08003', '08004', '08006', '53300', '57014', '57P01', '57P02', '57P03', '25P03', '55P03']);

/** Prisma's codes for the same: unreachable, timed out, connection closed, no connection from the pool, no transaction. */
const UNAVAILABLE_PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037']);
const UNAVAILABLE_SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);
const UNAVAILABLE_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections']);

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

/** Whether the database could not be reached or did not answer in time; trying again later may help. */
export const isUnavailable = (error: unknown): boolean =>
  some(
    error,
    ({ code, originalCode, kind, message }) =>
      has(UNAVAILABLE_STATES, code) ||
      has(UNAVAILABLE_STATES, originalCode) ||
      has(UNAVAILABLE_PRISMA, code) ||
      has(UNAVAILABLE_SOCKET, code) ||
      has(UNAVAILABLE_KINDS, kind) ||
      (typeof message === 'string' && UNAVAILABLE_MESSAGE.test(message)),
  );

/** Whether the transaction lost a race (serialisation failure, deadlock) and may be run again from its start. */
export const isRetryable = (error: unknown): boolean =>
  some(
    error,
    ({ code, originalCode, kind }) =>
      has(RETRYABLE_STATES, code) || has(RETRYABLE_STATES, originalCode) || code === 'P2034' || kind === 'TransactionWriteConflict',
  );

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
