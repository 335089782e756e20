import type { ExecutionResult, GraphQLError } from 'graphql';
import { coded } from '../../errors.js';
import type { Executor } from './executor/executor.js';

/** What a value takes beside its text: quotes, a comma and the name of its field. */
const VALUE = 10;

/** Whether the JSON of a value has more than about so many characters. It stops looking as soon as it has. */
const isLongerThan = (value: unknown, max: number): boolean => {
  let left = max;
  const walk = (each: unknown): boolean => {
    left -= typeof each === 'string' ? VALUE + each.length : VALUE;
    if (left < 0) return true;
    if (Array.isArray(each)) return each.some(walk);
    if (typeof each === 'object' && each !== null) for (const name in each) if (walk((each as Record<string, unknown>)[name])) return true;
    return false;
  };
  return walk(value);
};

const tooLong = (limit: number): GraphQLError =>
  coded('OPERATION_TOO_COMPLEX', 'The answer would be too long. Ask for less at a time.', { limit });

/**
 * A result that may be sent: one whose data are too long becomes an error. A price says how many values there are, but not how long their texts
 * are; and a text that is selected under many names is read once, and written as often.
 * @param max characters
 */
export const ofSize = (result: ExecutionResult, max: number): ExecutionResult =>
  isLongerThan(result.data, max) ? { ...result, data: null, errors: [tooLong(max)] } : result;

/** An executor whose results may all be sent. */
export const limitResults =
  (execute: Executor, max: number): Executor =>
  (args) => {
    const result = execute(args);
    return result instanceof Promise ? result.then((later) => ofSize(later, max)) : ofSize(result, max);
  };
