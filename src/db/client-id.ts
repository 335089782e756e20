import { createHash } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { fieldErrors } from '../errors.js';
import { isUniqueViolation } from './failures.js';

/** The columns by which a row remembers the request that made it. */
export interface ClientKey {
  readonly clientId: string | null;
  readonly clientDigest: string | null;
}

/**
 * Creates something once for each `clientId`, however often the request is sent, also at the same time.
 *
 * The digest of the whole input tells a request that is repeated from another one that reuses the id; it is kept because what was
 * created may be edited later.
 * @param find looks up what this author has created under the id
 * @param create writes it, with the key's columns, under a unique index over author and `client_id`
 * @throws CONFLICT when the id was used with other input
 */
export const createOnce = async <Row extends { readonly clientDigest: string | null }>(
  clientId: string | null | undefined,
  input: Readonly<Record<string, unknown>>,
  find: (clientId: string) => Promise<Row | null>,
  create: (key: ClientKey) => Promise<Row>,
): Promise<Row> => {
  if (clientId === null || clientId === undefined) return await create({ clientId: null, clientDigest: null });
  const clientDigest = digest(input);
  const earlier = async (): Promise<Row | null> => {
    const row = await find(clientId);
    if (row !== null && row.clientDigest !== clientDigest) throw clientIdReused();
    return row;
  };
  const before = await earlier();
  if (before !== null) return before;
  try {
    return await create({ clientId, clientDigest });
  } catch (error) {
    // The same request was under way at the same time, and has won.
    if (!isUniqueViolation(error, 'client')) throw error;
    const winner = await earlier();
    if (winner === null) throw error;
    return winner;
  }
};

/** The answer to a `clientId` that comes again with other input. */
export const clientIdReused = (): GraphQLError =>
  fieldErrors('CONFLICT', [{ path: 'input.clientId', code: 'REUSED', message: 'Was used before, with other input.' }]);

const digest = (input: Readonly<Record<string, unknown>>): string => {
  const entries = Object.entries(input)
    .filter(([name, value]) => name !== 'clientId' && value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
};
