import { coded } from '../errors.js';

/**
 * At most `limit` pieces of work at a time; the others wait in the order in which they came, so that a crowd is served late rather than
 * refused by a pool that gives up on those who wait.
 * @param maxWaitMs how long one may wait, in milliseconds; then it is UNAVAILABLE
 * @param maxWaiting how many may wait; one more is UNAVAILABLE at once
 */
export const createLimiter = (
  limit: number,
  maxWaitMs: number,
  maxWaiting = Infinity,
): (<Result>(work: () => Promise<Result>) => Promise<Result>) => {
  const waiting = new Set<() => void>();
  let running = 0;

  const turn = async (): Promise<void> => {
    if (running < limit) {
      running += 1;
      return;
    }
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

  /** Hands the place on to whoever has waited longest. */
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
    await turn();
    try {
      return await work();
    } finally {
      yieldTurn();
    }
  };
};

const tooMuch = (): Error => coded('UNAVAILABLE', 'There is too much to do at the moment. Try again later.');
