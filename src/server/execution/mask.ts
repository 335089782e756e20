import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Services } from '../../context.js';
import { isUnavailable } from '../../db/failures.js';
import { codeOf, coded, type ErrorCode } from '../../errors.js';

/**
 * What the world sees of a failure. Coded errors pass as they are; mistakes that graphql-js found in the variables are the
 * caller's; a database that does not answer is UNAVAILABLE; everything else becomes INTERNAL with a trace id that leads
 * to the log.
 */
export type Mask = (error: unknown) => GraphQLError;

/** Codes of the HTTP library, in the words of ours. */
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
      // A coded error that graphql-js wrapped without taking over its extensions.
      if (codeOf(inner) !== null) return recode(error, codeOf(inner) ?? 'INTERNAL');
      if (isOfArguments(error)) return recode(error, 'BAD_USER_INPUT');
      if (error.path === undefined && (inner === undefined || inner instanceof GraphQLError)) return recode(error, 'BAD_REQUEST');
    }
    const located = error instanceof GraphQLError ? error : null;
    const cause = located?.originalError ?? error;
    if (isUnavailable(cause)) {
      // Told once for all who meet it, by the database itself.
      db.health.refused();
      return locate(coded('UNAVAILABLE', 'The service cannot answer at the moment. Try again soon.'), located);
    }
    const traceId = randomUUID();
    log.error({ traceId, path: located?.path, err: cause instanceof Error ? cause : String(cause) }, 'an unexpected error');
    return locate(coded('INTERNAL', 'Something went wrong on our side.', { traceId }), located);
  };

/** Whether graphql-js refused the arguments of a field or of a directive when it came to it: null, from a variable, where none may be. */
export const isOfArguments = ({ path, originalError }: GraphQLError): boolean =>
  path !== undefined && originalError instanceof GraphQLError && codeOf(originalError) === null;

const recode = (error: GraphQLError, code: ErrorCode): GraphQLError => {
  error.extensions['code'] = code;
  return error;
};

/** The same error at the field where it happened. */
const locate = (error: GraphQLError, located: GraphQLError | null): GraphQLError =>
  located === null
    ? error
    : new GraphQLError(error.message, { nodes: located.nodes ?? null, path: located.path ?? null, extensions: error.extensions });
