import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Services } from '../../context.js';
import { isUnavailable } from '../../observability/failures.js';
import { codeOf, coded, type ErrorCode } from '../../errors.js';

/**
 * Converts any failure into the error that a client may see. Coded errors pass unchanged; errors of graphql-js about variables are
 * BAD_USER_INPUT; a database that does not answer is UNAVAILABLE; everything else is INTERNAL with a trace id that is logged together with
 * the error.
 */
export type Mask = (error: unknown) => GraphQLError;

/** Error codes of Yoga, mapped to ours. */
const FOREIGN_CODES: Readonly<Record<string, ErrorCode>> = {
  REQUEST_ENTITY_TOO_LARGE: 'BAD_REQUEST',
  OPERATION_RESOLUTION_FAILURE: 'BAD_REQUEST',
};

export const createMask =
  ({ log, db }: Pick<Services, 'log' | 'db'>): Mask =>
  (error) => {
    if (codeOf(error) !== null) return error as GraphQLError;
    if (error instanceof GraphQLError) {
      const code = FOREIGN_CODES[String(error.extensions['code'])];
      if (code !== undefined) return recode(error, code);
      const inner = error.originalError;
      // graphql-js has wrapped a coded error without copying its extensions.
      if (codeOf(inner) !== null) return recode(error, codeOf(inner) ?? 'INTERNAL');
      if (isArgumentError(error)) return recode(error, 'BAD_USER_INPUT');
      if (error.path === undefined && (inner === undefined || inner instanceof GraphQLError)) return recode(error, 'BAD_REQUEST');
    }
    const located = error instanceof GraphQLError ? error : null;
    const cause = located?.originalError ?? error;
    if (isUnavailable(cause)) {
      // The database's health logs the outage once, for all requests that meet it.
      db.health.refused(cause);
      return locate(coded('UNAVAILABLE', 'The service cannot answer at the moment. Try again soon.'), located);
    }
    const traceId = randomUUID();
    log.error({ traceId, path: located?.path, err: cause instanceof Error ? cause : String(cause) }, 'an unexpected error');
    return locate(coded('INTERNAL', 'Something went wrong on our side.', { traceId }), located);
  };

/**
 * Whether graphql-js refused the arguments of a field or directive during execution, such as a null from a variable in a non-null place.
 */
export const isArgumentError = ({ path, originalError }: GraphQLError): boolean =>
  path !== undefined && originalError instanceof GraphQLError && codeOf(originalError) === null;

const recode = (error: GraphQLError, code: ErrorCode): GraphQLError => {
  error.extensions['code'] = code;
  return error;
};

/** Copies the path of the field to the error. */
const locate = (error: GraphQLError, located: GraphQLError | null): GraphQLError =>
  located === null
    ? error
    : new GraphQLError(error.message, { nodes: located.nodes ?? null, path: located.path ?? null, extensions: error.extensions });
