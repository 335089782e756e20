import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { Virtualizer, type CacheSnapshot, type VirtualizerHandle } from 'virtua';
import { useListStart } from './use-list-start.js';

interface FlowListProps<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  readonly children: (item: Item, index: number) => ReactNode;
  /** What the list holds, for a screen reader. */
  readonly label: string;
  /** Where the heights of what was seen are kept while another page is open, so that the place in the list is found again; see {@link ListMemory}. */
  readonly memory: ListMemory;
  /** Called as the end comes near, as often as it is near: load more, unless that is under way or there are no more. */
  readonly onEnd?: (() => void) | undefined;
  /** Called with the indices of the first and the last item that are seen, as they change. */
  readonly onRange?: ((first: number, last: number) => void) | undefined;
}

/** What a list keeps of itself from one time that it is shown to the next. */
export interface ListMemory {
  readonly recall: (count: number) => CacheSnapshot | undefined;
  readonly keep: (count: number, snapshot: CacheSnapshot) => void;
}

/** How near the end is when more is wanted, in pixels. */
const NEAR_PX = 1_200;

/**
 * A list in the flow of its page that keeps only what is seen in the page, however long it is. Its items are as high as what is in them, and have several
 * things to press, which the tab key goes through; a `ScrolledList` has rows of one height and one link each, which the arrows go through, so the two have
 * in common where they begin (`useListStart`), and not how they measure, remember and lead through their items.
 */
export const FlowList = <Item,>({ items, keyOf, children, label, memory, onEnd, onRange }: FlowListProps<Item>) => {
  const place = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { scroller, start } = useListStart(place);
  const isThere = start !== null;
  const [snapshot] = useState(() => memory.recall(items.length));
  const count = useRef(items.length);

  useLayoutEffect(() => {
    count.current = items.length;
  });
  useEffect(() => {
    const { current } = list;
    if (!isThere || !current) return;
    const keep = (): void => memory.keep(count.current, current.cache);
    addEventListener('pagehide', keep);
    return () => {
      removeEventListener('pagehide', keep);
      keep();
    };
  }, [memory, isThere]);

  const look = useCallback(() => {
    const { current } = list;
    if (!current) return;
    const { scrollOffset, viewportSize, scrollSize } = current;
    onRange?.(current.findItemIndex(scrollOffset), current.findItemIndex(scrollOffset + viewportSize));
    if (onEnd && scrollSize - scrollOffset - viewportSize < NEAR_PX) onEnd();
  }, [onEnd, onRange]);
  useEffect(look, [look, isThere, items.length]);

  return (
    <div ref={place} role="list" aria-label={label}>
      {isThere && (
        <Virtualizer
          ref={list}
          scrollRef={scroller}
          startMargin={start}
          onScroll={look}
          {...(snapshot === undefined ? {} : { cache: snapshot })}
        >
          {items.map((item, index) => (
            <div key={keyOf(item)} role="listitem">
              {children(item, index)}
            </div>
          ))}
        </Virtualizer>
      )}
    </div>
  );
};
