import { createHash } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import { fieldErrors } from '../errors.js';
import { isUniqueViolation } from '../observability/failures.js';

/** The columns that identify the request which created a row. */
export interface ClientKey {
  readonly clientId: string | null;
  readonly clientDigest: string | null;
}

/**
 * Creates a row once for each `clientId` of its author, however often the request is sent, also concurrently.
 *
 * The digest of the input distinguishes a repeated request from one that reuses the id. It is stored because the row may be edited later.
 * @param find looks up the row that this author has created under the id
 * @param create inserts the row with the key's columns; a unique index covers author and `client_id`
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
    // A unique violation means that the same request ran concurrently and its row was committed first: that row is the answer.
    if (!isUniqueViolation(error, 'client')) throw error;
    const winner = await earlier();
    if (winner === null) throw error;
    return winner;
  }
};

/** The error for a `clientId` that was used before with other input. */
export const clientIdReused = (): GraphQLError =>
  fieldErrors('CONFLICT', [{ path: 'input.clientId', code: 'REUSED', message: 'Was used before, with other input.' }]);

const digest = (input: Readonly<Record<string, unknown>>): string => {
  const entries = Object.entries(input)
    .filter(([name, value]) => name !== 'clientId' && value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
};
