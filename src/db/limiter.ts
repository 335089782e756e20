import { coded } from '../errors.js';

/**
 * Runs at most `limit` functions at a time: at once while there is room; further ones wait in the order of their arrival. A burst is thereby served late, instead
 * of being refused by a pool whose waiting callers time out.
 * @param maxWaitMs the longest wait, in milliseconds; then the call fails with UNAVAILABLE
 * @param maxWaiting the most calls that may wait; a further one fails with UNAVAILABLE at once
 */
export const createLimiter = (
  limit: number,
  maxWaitMs: number,
  maxWaiting = Infinity,
): (<Result>(work: () => Promise<Result>) => Promise<Result>) => {
  const waiting = new Set<() => void>();
  let running = 0;

  const waitForTurn = async (): Promise<void> => {
    if (waiting.size >= maxWaiting) throw tooMuch();
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(impatience);
        resolve();
      };
      const impatience = setTimeout(() => {
        waiting.delete(begin);
        reject(tooMuch());
      }, maxWaitMs);
      waiting.add(begin);
    });
  };

  /** Passes the slot on to the call that has waited longest. */
  const yieldTurn = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return async (work) => {
    if (running < limit) running += 1;
    else await waitForTurn();
    try {
      return await work();
    } finally {
      yieldTurn();
    }
  };
};

/** The error of who has waited too long for a turn. */
export const tooMuch = (): Error => coded('UNAVAILABLE', 'There is too much to do at the moment. Try again later.');
