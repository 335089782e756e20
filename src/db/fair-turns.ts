import { tooMuch } from './limiter.js';

/** A limiter that serves the waiting owners in turns (round robin). */
export interface FairTurns {
  /** Runs the work when it is its owner's turn. */
  readonly run: <Result>(owner: string, work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Runs at most `limit` functions at a time; the owners of waiting ones take turns, so an owner with much work delays only itself. Example:
 * A asks for ten results and then B for one; B's is made after A's first, not after A's tenth.
 * @param limitOfOne the most functions that run at a time for one owner; the rest is kept free for others
 * @param maxWaitMs the longest wait, in milliseconds; then the call fails with UNAVAILABLE. Left out: it waits for as long as it takes
 */
export const createFairTurns = (limit: number, limitOfOne = limit, maxWaitMs: number | null = null): FairTurns => {
  /** The waiting functions by owner, in the order in which the owners are served. */
  const waiting = new Map<string, (() => void)[]>();
  const runningOf = new Map<string, number>();
  let running = 0;

  const mayRun = (owner: string): boolean => running < limit && (runningOf.get(owner) ?? 0) < limitOfOne;
  const begin = (owner: string): void => {
    running += 1;
    runningOf.set(owner, (runningOf.get(owner) ?? 0) + 1);
  };
  const end = (owner: string): void => {
    running -= 1;
    const left = (runningOf.get(owner) ?? 1) - 1;
    if (left === 0) runningOf.delete(owner);
    else runningOf.set(owner, left);
  };

  const next = (): void => {
    for (const [owner, queue] of waiting) {
      if (running >= limit) return;
      if (!mayRun(owner)) continue;
      const go = queue.shift();
      // The owner goes to the end of the queue if it has more.
      waiting.delete(owner);
      if (queue.length > 0) waiting.set(owner, queue);
      begin(owner);
      go?.();
      return;
    }
  };

  return {
    run: async (owner, work) => {
      if (mayRun(owner)) begin(owner);
      else {
        await new Promise<void>((resolve, reject) => {
          const go = (): void => {
            clearTimeout(impatience);
            resolve();
          };
          const giveUp = (): void => {
            const left = (waiting.get(owner) ?? []).filter((each) => each !== go);
            if (left.length > 0) waiting.set(owner, left);
            else waiting.delete(owner);
            reject(tooMuch());
          };
          const impatience = maxWaitMs === null ? undefined : setTimeout(giveUp, maxWaitMs);
          const queue = waiting.get(owner);
          if (queue) queue.push(go);
          else waiting.set(owner, [go]);
        });
      }
      try {
        return await work();
      } finally {
        end(owner);
        next();
      }
    },
  };
};
