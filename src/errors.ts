import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';

/**
 * What a client may do about a failure: nothing until the request itself is another one, the same again after a while, or going on from the
 * last cursor.
 */
export type Retry = 'never' | 'later' | 'resume';

interface ErrorCodeFacts {
  /** The HTTP status used when the failure rejects a whole HTTP request; a failure of one field leaves the response's status alone. */
  readonly status: number;
  readonly retry: Retry;
  readonly description: string;
}

/**
 * The closed table of failures: every error a client sees, on every transport, carries one of these as `extensions.code`. The enum
 * `ErrorCode` of the schema and the table in the README are made from it.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: {
    status: 401,
    retry: 'never',
    description: 'Nobody is signed in, or the token is not good: sign in, or bring a fresh token.',
  },
  FORBIDDEN: { status: 403, retry: 'never', description: 'The viewer may not do this.' },
  NOT_FOUND: { status: 404, retry: 'never', description: 'There is no such thing, or the viewer may not know of it.' },
  BAD_USER_INPUT: { status: 400, retry: 'never', description: 'An argument, a variable or an input is wrong; `fields` says where.' },
  CONFLICT: {
    status: 409,
    retry: 'never',
    description: 'It does not fit what is there: a name that is taken, another version, a `clientId` with other input.',
  },
  RATE_LIMITED: {
    status: 429,
    retry: 'later',
    description: 'Too many requests of this kind; `retryAfterMs` says when the next is allowed, where that is known.',
  },
  LOCKED: {
    status: 423,
    retry: 'later',
    description: 'The account is suspended: `until` says until when, null for good, and `reason` why.',
  },
  TERMS_NOT_ACCEPTED: {
    status: 403,
    retry: 'never',
    description:
      'The viewer has not accepted the present terms, as `acceptTerms` does: `version` is theirs, and `url` where they can be read.',
  },
  CURSOR_EXPIRED: {
    status: 410,
    retry: 'never',
    description: 'The cursor is no longer valid: read the list again and go on from its cursor.',
  },
  SLOW_CONSUMER: {
    status: 503,
    retry: 'resume',
    description: 'The subscriber read too slowly, and more was waiting for it than is allowed.',
  },
  ACCESS_REVOKED: { status: 403, retry: 'never', description: 'The viewer may no longer follow this.' },
  OPERATION_TOO_COMPLEX: { status: 400, retry: 'never', description: 'The operation costs more, or has more parts, than is allowed.' },
  // Clients fall back to the text only where the status is 200, as Apollo's server answers.
  PERSISTED_QUERY_NOT_FOUND: { status: 200, retry: 'never', description: 'No operation is known by this hash: send its text along.' },
  DOCUMENT_NOT_TRUSTED: {
    status: 403,
    retry: 'never',
    description: 'Only the documents of a fixed list are executed here (`TRUSTED_DOCUMENTS_ONLY`), and this one is not on it.',
  },
  UNAVAILABLE: {
    status: 503,
    retry: 'later',
    description: 'The service cannot answer at the moment. A subscription goes on from its last cursor.',
  },
  TIMED_OUT: {
    status: 504,
    retry: 'never',
    description: 'The operation took longer than it may. A mutation with this code has changed nothing.',
  },
  INTERNAL: { status: 500, retry: 'never', description: "An unexpected fault of the server; `traceId` finds it in the server's log." },
  BAD_REQUEST: { status: 400, retry: 'never', description: 'The request is not a well-formed GraphQL request.' },
  GRAPHQL_PARSE_FAILED: { status: 400, retry: 'never', description: 'The document cannot be parsed.' },
  GRAPHQL_VALIDATION_FAILED: { status: 400, retry: 'never', description: 'The document does not fit the schema.' },
} as const satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * What may be wrong with one field of an input: `code` in `extensions.fields`, for clients that say it in their own words. The enum
 * `FieldErrorCode` of the schema and the table in the README are made from it.
 */
export const FIELD_ERROR_CODES = {
  REQUIRED: 'Must be given.',
  INVALID_TYPE: 'Is no value of the type that the schema names.',
  INVALID_FORMAT: 'Does not have the required format.',
  INVALID_CHARACTERS: 'Has characters that no text may have, or none that can be seen.',
  INVALID_ID: 'Is no id, or one of another type: `type`.',
  INVALID_CURSOR: 'Is no cursor, or one of another list or stream.',
  TOO_SHORT: 'Has fewer characters than `min`.',
  TOO_LONG: 'Has more characters than `max`.',
  TOO_WEAK: 'Is a password that is easily guessed: `weakness` says why, `score` of 0 to 4 how easily, `min` what it takes.',
  TOO_SMALL: 'Is less than `min`.',
  TOO_LARGE: 'Is more than `max`.',
  TOO_FEW: 'Has fewer items than `min`.',
  TOO_MANY: 'Has more items than `max`.',
  DUPLICATE: 'Is named twice.',
  EXCLUSIVE: 'Excludes, or needs, another field beside it.',
  NOT_FOUND: 'Names something that is not there.',
  NOT_ALLOWED: 'Cannot be used for this.',
  TAKEN: 'Is in use already.',
  MISLEADING: 'Can be taken for another that is in use.',
  RESERVED: 'Is reserved for something else.',
  REUSED: 'Was used before, with other input.',
} as const;

export type FieldErrorCode = keyof typeof FIELD_ERROR_CODES;

/** One mistake in an input. */
export interface FieldError {
  /** Where it is, as a dotted path from the argument. */
  readonly path: string;
  readonly code: FieldErrorCode;
  /** What is wrong, in English. It never repeats what was given. */
  readonly message: string;
  /** The numbers and names that the message speaks of. */
  readonly params?: Readonly<Record<string, string | number>>;
}

/** Whoever has made more mistakes than this in one input is told of the first ones. */
export const MAX_FIELD_ERRORS = 20;

/** Makes an error that reaches the client as it is: its message and extensions are public. */
export const coded = (code: ErrorCode, message: string, extensions: GraphQLErrorExtensions = {}, cause?: unknown): GraphQLError =>
  new GraphQLError(message, {
    extensions: { ...extensions, code },
    ...(cause instanceof Error ? { originalError: cause } : {}),
  });

/**
 * An error with mistakes in fields, the first {@link MAX_FIELD_ERRORS} of them in `extensions.fields`; its message repeats the first.
 * @param fields one at least
 */
export const fieldErrors = (code: ErrorCode, fields: readonly FieldError[]): GraphQLError =>
  coded(code, `${fields[0]?.path ?? ''}: ${fields[0]?.message ?? ''}`, { fields: fields.slice(0, MAX_FIELD_ERRORS) });

/** BAD_USER_INPUT with mistakes in fields. */
export const badInput = (...fields: [FieldError, ...FieldError[]]): GraphQLError => fieldErrors('BAD_USER_INPUT', fields);

/** NOT_FOUND for a thing of the named kind, in words: `notFound('Post')`. */
export const notFound = (what: string): GraphQLError => coded('NOT_FOUND', `${what} not found.`);

/** Codes by which somebody is told that a thing is not, or is no longer, theirs. */
const REFUSALS: ReadonlySet<ErrorCode | null> = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ACCESS_REVOKED']);

export const isErrorCode = (value: unknown): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);

/** The code of an error made by {@link coded}, through any wrapping by graphql-js; otherwise null. */
export const codeOf = (error: unknown): ErrorCode | null =>
  error instanceof GraphQLError && isErrorCode(error.extensions['code']) ? error.extensions['code'] : null;

/** Whether an error says that somebody may not do or see a thing, and not merely that they cannot at the moment, or have asked wrongly. */
export const isRefusal = (error: unknown): boolean => REFUSALS.has(codeOf(error));
