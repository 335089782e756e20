/** At most so much at a time, with whoever waits served by turns of their owners. */
export interface FairTurns {
  /** Does the work as soon as it is its owner's turn. */
  readonly run: <Result>(owner: string, work: () => Promise<Result>) => Promise<Result>;
}

/**
 * At most `limit` pieces of work at a time. The owners of those that wait take turns, so one who wants much waits for oneself:
 * A wants ten things and then B one; B's is done after the first of A's, not after the tenth.
 */
export const createFairTurns = (limit: number): FairTurns => {
  /** What waits, by owner, in the order in which the owners are served. */
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
    // To the end of the line, if there is more.
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
