import { useCallback, useMemo, useState } from 'react';

interface Near<Item> {
  readonly near: readonly Item[];
  /** To be called with the index of the first item that is seen, as it changes. */
  readonly onRange: (first: number) => void;
}

/** What of a long list is near what is seen, to be followed by one subscription: three steps of it, which change only when a whole one has passed. */
export const useNear = <Item>(items: readonly Item[], step: number): Near<Item> => {
  const [at, setAt] = useState(0);
  const onRange = useCallback((first: number) => setAt(Math.floor(first / step)), [step]);
  const from = Math.max(0, (at - 1) * step);
  return { near: useMemo(() => items.slice(from, from + 3 * step), [items, from, step]), onRange };
};
