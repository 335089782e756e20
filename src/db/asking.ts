import type { Unwanted } from './running-statements.js';

/**
 * Tells those who send statements who asks for them, and may stop wanting them. It holds for as long as a function runs, until it returns its promise:
 * a list or a raw statement is handed over within that time, so nothing that lies between has to pass it on.
 */
export interface Asking {
  /** Null where the statement is wanted in any case. */
  readonly unwanted: () => Unwanted | null;
  readonly during: <Result>(unwanted: Unwanted, call: () => Result) => Result;
}

export const createAsking = (): Asking => {
  let current: Unwanted | null = null;
  return {
    unwanted: () => current,
    during: (unwanted, call) => {
      const before = current;
      current = unwanted;
      try {
        return call();
      } finally {
        current = before;
      }
    },
  };
};
