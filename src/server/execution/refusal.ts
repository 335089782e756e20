import type { ExecutionResult } from 'graphql';
import { codeOf, ERROR_CODES, type ErrorCode } from '../../errors.js';

/**
 * The code with which an operation as a whole was refused for what its client has asked; null when it has data, or when the server is at fault. Such an
 * answer is quickly had and endlessly, so it is told by way of `access/holding.ts`.
 */
export const refusalOf = ({ data, errors }: Pick<ExecutionResult, 'data' | 'errors'>): ErrorCode | null => {
  const code = codeOf(errors?.[0]);
  return code !== null && (data ?? null) === null && ERROR_CODES[code].status < 500 ? code : null;
};
