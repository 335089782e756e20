import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';

/**
 * The closed table of failures: every error a client sees, on every transport, carries one of these as
 * `extensions.code`. The value is the HTTP status used when the failure rejects a whole HTTP request; a failure of
 * one field leaves the response's status alone.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  LOCKED: 423,
  CURSOR_EXPIRED: 410,
  SLOW_CONSUMER: 503,
  ACCESS_REVOKED: 403,
  OPERATION_TOO_COMPLEX: 400,
  PERSISTED_QUERY_NOT_FOUND: 404,
  UNAVAILABLE: 503,
  INTERNAL: 500,
  BAD_REQUEST: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One mistake in an input: where it is, as a dotted path from the argument, and what is wrong with it. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Makes an error that reaches the client as it is: its message and extensions are public. */
export const coded = (
  code: ErrorCode,
  message: string,
  extensions: GraphQLErrorExtensions = {},
  cause?: unknown,
): GraphQLError =>
  new GraphQLError(message, {
    extensions: { ...extensions, code },
    ...(cause instanceof Error ? { originalError: cause } : {}),
  });

/** BAD_USER_INPUT with the mistakes in `extensions.fields`; the message repeats the first. */
export const badInput = (...fields: [FieldError, ...FieldError[]]): GraphQLError =>
  coded('BAD_USER_INPUT', `${fields[0].path}: ${fields[0].message}`, { fields });

/** NOT_FOUND for a thing of the named kind, in words: `notFound('Post')`. */
export const notFound = (what: string): GraphQLError => coded('NOT_FOUND', `${what} not found.`);

export const isErrorCode = (value: unknown): value is ErrorCode => typeof value === 'string' && value in ERROR_CODES;

/** The code of an error made by {@link coded}, through any wrapping by graphql-js; otherwise null. */
export const codeOf = (error: unknown): ErrorCode | null =>
  error instanceof GraphQLError && isErrorCode(error.extensions['code']) ? error.extensions['code'] : null;
