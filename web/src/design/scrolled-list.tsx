import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { useListStart } from './use-list-start.js';

interface ScrolledListProps<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** An item: a link, or something with one, that takes `tabIndex`. Arrows, Home and End go from one to the next. */
  readonly children: (item: Item, tabIndex: 0 | -1) => ReactNode;
  /** What the list holds, for a screen reader. */
  readonly label: string;
  /** How high an item is before it has been measured, in pixels. */
  readonly itemSize: number;
  /** Called as the end comes near, as often as it is near: load more, unless that is under way or there are no more. */
  readonly onEnd?: (() => void) | undefined;
  /** Called with the index of the first item that is seen, as it changes. */
  readonly onRange?: (first: number) => void;
  /** Results that are no longer quite what was asked for, until the new ones come. */
  readonly isStale?: boolean;
}

/** How near the end is when more is wanted, in pixels. */
const NEAR_PX = 1_000;
/** For how many frames an item is waited for that is to have the focus. */
const TRIES = 60;

/** A list of rows of about one height with one link each, in the flow of its page, that keeps only what is seen, however long it is; see `FlowList` for any other. */
export const ScrolledList = <Item,>({
  items,
  keyOf,
  children,
  label,
  itemSize,
  onEnd,
  onRange,
  isStale = false,
}: ScrolledListProps<Item>) => {
  const place = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { scroller, start } = useListStart(place);
  const [active, setActive] = useState(0);
  const present = Math.min(active, Math.max(0, items.length - 1));

  const look = useCallback(() => {
    const { current } = scroller;
    if (list.current) onRange?.(list.current.findItemIndex(list.current.scrollOffset));
    if (onEnd && current && current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX) onEnd();
  }, [onEnd, onRange, scroller]);
  useEffect(() => {
    // A page that does not fill the screen has its end near from the beginning.
    const frame = requestAnimationFrame(look);
    const { current } = scroller;
    current?.addEventListener('scroll', look, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      current?.removeEventListener('scroll', look);
    };
  }, [look, scroller, start, items.length]);

  const focus = useCallback((index: number): void => {
    setActive(index);
    list.current?.scrollToIndex(index, { align: 'nearest' });
    // It may have to be brought into the page first, and cannot have the focus until it has been measured there.
    let tries = 0;
    const attempt = (): void => {
      const link = place.current?.querySelector<HTMLElement>(`[data-index="${index}"] a`);
      link?.focus({ preventScroll: true });
      if (document.activeElement !== link && (tries += 1) < TRIES) requestAnimationFrame(attempt);
    };
    requestAnimationFrame(attempt);
  }, []);
  const byKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    // In a menu of an item, and in what it opens, they do something else.
    if (!(event.target instanceof HTMLAnchorElement)) return;
    const to = { ArrowDown: present + 1, ArrowUp: present - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined || items[to] === undefined) return;
    event.preventDefault();
    focus(to);
  };

  return (
    <div ref={place} role="list" aria-label={label} aria-busy={isStale} onKeyDown={byKey}>
      {start !== null && (
        <Virtualizer ref={list} scrollRef={scroller} startMargin={start} itemSize={itemSize} keepMounted={[present]}>
          {items.map((item, index) => (
            <div key={keyOf(item)} role="listitem" data-index={index} onFocus={() => setActive(index)}>
              {children(item, index === present ? 0 : -1)}
            </div>
          ))}
        </Virtualizer>
      )}
    </div>
  );
};
