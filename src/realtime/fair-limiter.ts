/** A limiter that serves the waiting owners in turns (round robin). */
export interface FairTurns {
  /** Runs the work when it is its owner's turn. */
  readonly run: <Result>(owner: string, work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Runs at most `limit` functions at a time; the owners of waiting ones take turns, so an owner with much work delays only itself. Example:
 * A asks for ten results and then B for one; B's is made after A's first, not after A's tenth.
 */
export const createFairTurns = (limit: number): FairTurns => {
  /** The waiting functions by owner, in the order in which the owners are served. */
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  const next = (): void => {
    const [first] = waiting;
    if (first === undefined) {
      running -= 1;
      return;
    }
    const [owner, queue] = first;
    const begin = queue.shift();
    // The owner goes to the end of the queue if it has more.
    waiting.delete(owner);
    if (queue.length > 0) waiting.set(owner, queue);
    begin?.();
  };

  return {
    run: async (owner, work) => {
      if (running < limit) running += 1;
      else {
        await new Promise<void>((resolve) => {
          const queue = waiting.get(owner);
          if (queue) queue.push(resolve);
          else waiting.set(owner, [resolve]);
        });
      }
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
};
