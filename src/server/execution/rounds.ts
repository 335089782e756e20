/**
 * Shares work by key, in rounds: whoever comes while a round runs waits for the next one, which begins after it. Nobody is given a result
 * that was begun before they asked, and so before a write that they have seen.
 */
export type Rounds<Result> = (key: string, work: () => Promise<Result>) => Promise<Result>;

interface Running<Result> {
  readonly result: Promise<Result>;
  next: Promise<Result> | null;
}

export const createRounds = <Result>(): Rounds<Result> => {
  const running = new Map<string, Running<Result>>();

  const begin = (key: string, work: () => Promise<Result>): Promise<Result> => {
    const round: Running<Result> = {
      next: null,
      result: work().finally(() => {
        if (running.get(key) === round && round.next === null) running.delete(key);
      }),
    };
    running.set(key, round);
    return round.result;
  };

  return (key, work) => {
    const round = running.get(key);
    if (round === undefined) return begin(key, work);
    // The failure of a round is told to its own.
    const nothing = (): void => undefined;
    return (round.next ??= round.result.then(nothing, nothing).then(() => begin(key, work)));
  };
};
