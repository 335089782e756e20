import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
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
 * The row is inserted without asking whether it is there, because nearly every request is the first with its id: the unique index refuses the
 * others, whose row is looked up then. It is looked up as well when the request is refused for another reason. Example: a message was
 * sent, its answer was lost, and its author has left the conversation when the client sends it again.
 *
 * The digest of the input distinguishes a repeated request from one that reuses the id. It is stored because the row may be edited later.
 * @param find looks up the row that this author has created under the id
 * @param create inserts the row with the key's columns; a unique index covers author and `client_id`
 * @param first `find` within a transaction, which could not go on after an INSERT that was refused
 * @throws CONFLICT when the id was used with other input
 */
export const createOnce = async <Row extends { readonly clientDigest: string | null }>(
  clientId: string | null | undefined,
  input: Readonly<Record<string, unknown>>,
  find: (clientId: string) => Promise<Row | null>,
  create: (key: ClientKey) => Promise<Row>,
  first: 'create' | 'find' = 'create',
): Promise<Row> => {
  if (clientId === null || clientId === undefined) return await create({ clientId: null, clientDigest: null });
  const clientDigest = digest(input);
  const earlier = async (): Promise<Row | null> => {
    const row = await find(clientId);
    if (row !== null && row.clientDigest !== clientDigest) throw clientIdReused();
    return row;
  };
  const before = first === 'find' ? await earlier() : null;
  if (before !== null) return before;
  try {
    return await create({ clientId, clientDigest });
  } catch (error) {
    const isRefused = error instanceof GraphQLError || isUniqueViolation(error, 'client');
    const row = isRefused ? await earlier() : null;
    if (row === null) throw error;
    return row;
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
