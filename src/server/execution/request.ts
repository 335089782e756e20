import type { GraphQLError } from 'graphql';
import { coded } from '../../errors.js';
import { isRecord, nestsDeeper } from './values.js';

/** An operation as a client sent it, with its members checked. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** The longest name of an operation, in characters. */
const MAX_NAME_LENGTH = 256;
/** How deep variables, extensions and messages may nest. Code that walks values recurses, and would exhaust the stack. */
export const MAX_NESTING = 100;

/**
 * Checks the request of an operation, on every transport. Members that it does not know are ignored, as the GraphQL-over-HTTP
 * specification demands.
 * @throws BAD_REQUEST when it is malformed, PERSISTED_QUERY_NOT_FOUND when it names its document by a hash alone
 */
export const readRequest = (given: unknown): OperationRequest => {
  if (!isRecord(given)) throw malformed('The request must be an object.');
  const { query, operationName, variables, extensions } = given;
  if (!isOptionalRecord(variables)) throw malformed('The "variables" must be an object.');
  if (!isOptionalRecord(extensions)) throw malformed('The "extensions" must be an object.');
  if (nestsDeeper(variables, MAX_NESTING)) throw malformed(`The "variables" may nest ${MAX_NESTING} levels deep.`);
  if (nestsDeeper(extensions, MAX_NESTING)) throw malformed(`The "extensions" may nest ${MAX_NESTING} levels deep.`);
  // graphql-ws documents an empty query beside a hash.
  if ((isNullish(query) || query === '') && namesHash(extensions)) throw coded('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
  if (typeof query !== 'string') throw malformed('The request must have a "query" that is a string.');
  if (!isNullish(operationName) && typeof operationName !== 'string') throw malformed('The "operationName" must be a string.');
  if (typeof operationName === 'string' && operationName.length > MAX_NAME_LENGTH)
    throw malformed(`The "operationName" may have ${MAX_NAME_LENGTH} characters.`);
  return {
    query,
    ...(isNullish(operationName) ? {} : { operationName }),
    ...(isNullish(variables) ? {} : { variables }),
    ...(isNullish(extensions) ? {} : { extensions }),
  };
};

/** The error of a request that does not say which of its operations is meant. Yoga has the same sentence, which repeats no name. */
export const unknownOperation = (): GraphQLError => malformed('Could not determine what operation to execute.');

const malformed = (message: string): GraphQLError => coded('BAD_REQUEST', message);

/** Whether the extensions name a persisted document, as the clients of Apollo and urql do. Texts are not kept here, so none is ever found. */
const namesHash = (extensions: Readonly<Record<string, unknown>> | null | undefined): boolean => {
  const persisted = extensions?.['persistedQuery'];
  return isRecord(persisted) && typeof persisted['sha256Hash'] === 'string';
};

const isNullish = (value: unknown): value is null | undefined => value === null || value === undefined;
const isOptionalRecord = (value: unknown): value is Record<string, unknown> | null | undefined => isNullish(value) || isRecord(value);
