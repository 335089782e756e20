import type { GraphQLError } from 'graphql';
import { coded } from '../../errors.js';
import { isRecord, nestsDeeper } from './values.js';

/** An operation that can be executed, with its members checked. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** An operation as a client sent it, with its members checked: with its text, an id of its document, or both. */
export interface GivenRequest extends Omit<OperationRequest, 'query'> {
  readonly query?: string;
  /** See {@link documentIdOf}. */
  readonly documentId?: string;
}

/** The longest name of an operation, in characters. */
const MAX_NAME_LENGTH = 256;
/** The longest id of a document, in characters. */
export const MAX_ID_LENGTH = 256;
/** How deep variables, extensions and messages may nest. Code that walks values recurses, and would exhaust the stack. */
export const MAX_NESTING = 100;

/**
 * Checks the request of an operation, on every transport. Members that it does not know are ignored, as the GraphQL-over-HTTP
 * specification demands.
 * @throws BAD_REQUEST when it is malformed
 */
export const readRequest = (given: unknown): GivenRequest => {
  if (!isRecord(given)) throw malformed('The request must be an object.');
  const { query, operationName, variables, extensions } = given;
  if (!isOptionalRecord(variables)) throw malformed('The "variables" must be an object.');
  if (!isOptionalRecord(extensions)) throw malformed('The "extensions" must be an object.');
  if (nestsDeeper(variables, MAX_NESTING)) throw malformed(`The "variables" may nest ${MAX_NESTING} levels deep.`);
  if (nestsDeeper(extensions, MAX_NESTING)) throw malformed(`The "extensions" may nest ${MAX_NESTING} levels deep.`);
  const documentId = idIn(given['documentId'], extensions?.['persistedQuery']);
  // graphql-ws documents an empty query beside a hash.
  const hasText = !isNullish(query) && !(query === '' && documentId !== null);
  if (hasText ? typeof query !== 'string' : documentId === null) throw malformed('The request must have a "query" that is a string.');
  if (!isNullish(operationName) && typeof operationName !== 'string') throw malformed('The "operationName" must be a string.');
  if (typeof operationName === 'string' && operationName.length > MAX_NAME_LENGTH)
    throw malformed(`The "operationName" may have ${MAX_NAME_LENGTH} characters.`);
  return {
    ...(hasText ? { query: query as string } : {}),
    ...(documentId === null ? {} : { documentId }),
    ...(isNullish(operationName) ? {} : { operationName }),
    ...(isNullish(variables) ? {} : { variables }),
    ...(isNullish(extensions) ? {} : { extensions }),
  };
};

const SHA256 = /^[0-9a-f]{64}$/;

/** Whether an id is the SHA-256 of its document, so that text and id prove each other. */
export const isSha256 = (id: string): boolean => SHA256.test(id);

/** An id as it is compared: a SHA-256 in lower case, with or without `sha256:` before it; any other one as it is. */
export const documentIdOf = (given: string): string => {
  const hash = (given.startsWith('sha256:') ? given.slice('sha256:'.length) : given).toLowerCase();
  return isSha256(hash) ? hash : given;
};

/**
 * The id of the document: `documentId` of GraphQL over HTTP, or the hash that the clients of Apollo and urql put into the extensions; null when there
 * is none.
 */
const idIn = (documentId: unknown, persistedQuery: unknown): string | null => {
  const hash = isRecord(persistedQuery) ? persistedQuery['sha256Hash'] : null;
  const ids = [documentId, hash]
    .filter((id) => !isNullish(id))
    .map((id) => {
      if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH)
        throw malformed(`The id of a document must be a string of 1 to ${MAX_ID_LENGTH} characters.`);
      return documentIdOf(id);
    });
  const [one = null, other = one] = ids;
  if (one !== other) throw malformed('The "documentId" and the hash in the extensions must be the same.');
  return one;
};

/** The error of a request that does not say which of its operations is meant. Yoga has the same sentence, which repeats no name. */
export const unknownOperation = (): GraphQLError => malformed('Could not determine what operation to execute.');

const malformed = (message: string): GraphQLError => coded('BAD_REQUEST', message);

const isNullish = (value: unknown): value is null | undefined => value === null || value === undefined;
const isOptionalRecord = (value: unknown): value is Record<string, unknown> | null | undefined => isNullish(value) || isRecord(value);
