interface Round<Item, Result> {
  readonly items: Item[];
  /** Whether the round has not begun, so that further items may join it. */
  waits: boolean;
  readonly result: Promise<Result>;
}

/**
 * Coalesces concurrent work by key. The first item of a key runs at once; items that arrive meanwhile wait and run together as the next
 * round. Example: 1,000 users like one post at the same moment. Without coalescing each holds a connection and waits for the lock of the
 * same row; with it they take a few transactions, one after the other.
 * @param work handles all `items` of a round, in the order of their arrival; when it fails, every item of the round fails
 * @param limit the largest number of items in a round
 */
export const createCoalescer = <Item, Result>(
  work: (key: string, items: readonly Item[]) => Promise<Result>,
  limit: number,
): ((key: string, item: Item) => Promise<Result>) => {
  /** The latest round of each key that is not over. */
  const rounds = new Map<string, Round<Item, Result>>();

  return (key, item) => {
    const last = rounds.get(key);
    if (last?.waits === true && last.items.length < limit) {
      last.items.push(item);
      return last.result;
    }
    const nothing = (): void => undefined;
    // A failure of the round before is reported to its own items only.
    const turn = last === undefined ? Promise.resolve() : last.result.then(nothing, nothing);
    const round: Round<Item, Result> = {
      items: [item],
      waits: true,
      result: turn
        .then(() => {
          round.waits = false;
          return work(key, round.items);
        })
        .finally(() => {
          if (rounds.get(key) === round) rounds.delete(key);
        }),
    };
    rounds.set(key, round);
    return round.result;
  };
};
