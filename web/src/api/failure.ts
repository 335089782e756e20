import type { CombinedError } from 'urql';
import { ERROR_CODES, type ErrorCode } from '../../../src/client/facts.js';
import type { Translate } from '../i18n/language.js';
import type { failureTexts } from '../i18n/failure-texts.js';
import type { fieldTexts } from '../i18n/field-texts.js';

/** What went wrong, as the page tells it. */
export interface Failure {
  /** A code of the contract; OFFLINE when there was no answer. */
  readonly code: ErrorCode | 'OFFLINE' | 'UNEXPECTED';
  /** Of an INTERNAL error: the number by which it is found in the log of the server. */
  readonly traceId: string | null;
  readonly retryAfterMs: number | null;
  /** More about the code, where one code has several causes: `CONFIRM_BY_MAIL`, or what a moderator has written of a suspension. */
  readonly reason: string | null;
  /** When it ends, where it ends by itself. */
  readonly until: Date | null;
  /** What of an input was wrong. */
  readonly fields: readonly FieldFailure[];
}

export interface FieldFailure {
  /** Of the field below `input`: `username`, `tags.0`. */
  readonly path: string;
  readonly code: string;
  readonly params: Readonly<Record<string, string | number>>;
}

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && code in ERROR_CODES;

interface FieldOnTheWire {
  readonly path?: readonly (string | number)[] | string;
  readonly code?: string;
  readonly params?: Readonly<Record<string, string | number>>;
}

const fieldOf = ({ path = [], code = 'INVALID_FORMAT', params = {} }: FieldOnTheWire): FieldFailure => {
  const steps = typeof path === 'string' ? path.split('.') : path.map(String);
  return { path: (steps[0] === 'input' ? steps.slice(1) : steps).join('.'), code, params };
};

/** A failure of which no more is known than its code. */
export const bareFailure = (code: Failure['code']): Failure => ({
  code,
  traceId: null,
  retryAfterMs: null,
  reason: null,
  until: null,
  fields: [],
});

/** The failure of an operation; null when there was none. */
export const failureOf = (error: CombinedError | null | undefined): Failure | null => {
  if (!error) return null;
  const [first] = error.graphQLErrors;
  if (first === undefined) return bareFailure(error.networkError ? 'OFFLINE' : 'UNEXPECTED');
  const { code, traceId, retryAfterMs, reason, until, fields } = first.extensions;
  return {
    code: isCode(code) ? code : 'UNEXPECTED',
    traceId: typeof traceId === 'string' ? traceId : null,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null,
    reason: typeof reason === 'string' ? reason : null,
    until: typeof until === 'string' ? new Date(until) : null,
    fields: Array.isArray(fields) ? (fields as FieldOnTheWire[]).map(fieldOf) : [],
  };
};

/** Whether what was asked for does not exist, or cannot: an address may hold anything in the place of an id. */
export const namesNothing = ({ code, fields }: Failure): boolean =>
  code === 'NOT_FOUND' || fields.some((field) => field.code === 'INVALID_ID');

/** Codes that say that this client has asked wrongly, which is nothing that somebody who uses it can do anything about. */
const OUR_FAULTS = [
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'PERSISTED_QUERY_NOT_FOUND',
  'DOCUMENT_NOT_TRUSTED',
  'UNEXPECTED',
] as const;
type OurFault = (typeof OUR_FAULTS)[number];
const isOurFault = (code: Failure['code']): code is OurFault => (OUR_FAULTS as readonly string[]).includes(code);

/** From how many on a wait is told in the next larger unit. */
const MOST_TOLD = 90;

/** When it may be tried again: "in 12 seconds". */
export const whenAgain = ({ retryAfterMs }: Failure, t: Translate<(typeof failureTexts)['en']>): string => {
  if (retryAfterMs === null) return t('soon');
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  if (seconds < MOST_TOLD) return t('inSeconds', { count: seconds });
  const minutes = Math.ceil(seconds / 60);
  return minutes < MOST_TOLD ? t('inMinutes', { count: minutes }) : t('inHours', { count: Math.ceil(minutes / 60) });
};

/** A failure in words. */
export const wordsOf = (failure: Failure, t: Translate<(typeof failureTexts)['en']>): string => {
  const { code } = failure;
  if (failure.reason === 'SECOND_FACTOR_REQUIRED') return t('needsSecondFactor');
  if (code === 'RATE_LIMITED') return t(code, { when: whenAgain(failure, t) });
  return t(isOurFault(code) ? 'unexpected' : code);
};

/** What is wrong with one field of a form, in words; null when nothing is. */
export const fieldWords = (failure: Failure | null, path: string, t: Translate<(typeof fieldTexts)['en']>): string | null => {
  const found = failure?.fields.find((field) => field.path === path);
  if (!found) return null;
  const { code, params } = found;
  const number = (name: string): number => Number(params[name] ?? 0);
  switch (code) {
    case 'TOO_SHORT':
      return t(code, { min: number('min') });
    case 'TOO_LONG':
      return t(code, { max: number('max') });
    case 'TOO_SMALL':
    case 'TOO_FEW':
      return t(code, { min: number('min') });
    case 'TOO_LARGE':
    case 'TOO_MANY':
      return t(code, { max: number('max') });
    case 'REQUIRED':
    case 'INVALID_CHARACTERS':
    case 'DUPLICATE':
    case 'NOT_FOUND':
    case 'TAKEN':
    case 'MISLEADING':
    case 'NOT_ALLOWED':
    case 'TOO_WEAK':
    case 'RESERVED':
      return t(code);
    default:
      return t('other');
  }
};
