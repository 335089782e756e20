interface Round<Item, Result> {
  readonly items: Item[];
  /** Whether it has not begun, so that more may join it. */
  waits: boolean;
  readonly result: Promise<Result>;
}

/**
 * Has what is wanted of one thing at the same time done together. The first is done at once; those that come while it is under way wait
 * for it and are then done as one, and so on. So a crowd that wants the same costs a few transactions, and never more than one
 * connection, where each would wait for the other's row lock.
 * @param work does all of `items`, in the order in which they came; when it fails, it fails for all of them
 * @param limit the most items of one `work`
 */
export const createCoalescer = <Item, Result>(
  work: (key: string, items: readonly Item[]) => Promise<Result>,
  limit: number,
): ((key: string, item: Item) => Promise<Result>) => {
  /** Of each key the round that came last, for as long as it is not over. */
  const rounds = new Map<string, Round<Item, Result>>();

  return (key, item) => {
    const last = rounds.get(key);
    if (last?.waits === true && last.items.length < limit) {
      last.items.push(item);
      return last.result;
    }
    const nothing = (): void => undefined;
    // How the one before has ended is for those to hear who took part in it.
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
