import { useCallback, useRef, type ReactNode } from 'react';
import { VList, type VListHandle } from 'virtua';
import { classNames } from './class-names.js';
import styles from './virtual-list.module.css';

interface VirtualListProps<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  readonly children: (item: Item, index: number) => ReactNode;
  /** What the list holds, for a screen reader. */
  readonly label: string;
  /** Called as the end comes near, as often as it is near: load more, unless that is under way or there are no more. */
  readonly onEnd?: () => void;
  /** What stands below the last item: a skeleton while more is loaded. */
  readonly after?: ReactNode;
  readonly className?: string | undefined;
}

/** How near the end is when more is wanted, in pixels. */
const NEAR_PX = 800;

/** A list that scrolls by itself and keeps only what is seen in the page, however long it is. Its place must give it a height. */
export const VirtualList = <Item,>({ items, keyOf, children, label, onEnd, after, className }: VirtualListProps<Item>) => {
  const list = useRef<VListHandle>(null);
  const look = useCallback(() => {
    const { current } = list;
    if (onEnd && current && current.scrollSize - current.scrollOffset - current.viewportSize < NEAR_PX) onEnd();
  }, [onEnd]);
  return (
    <VList ref={list} className={classNames(styles.list, className)} onScroll={look} role="list" aria-label={label} tabIndex={0}>
      {items.map((item, index) => (
        <div key={keyOf(item)} role="listitem">
          {children(item, index)}
        </div>
      ))}
      {after !== undefined && <div key="after">{after}</div>}
    </VList>
  );
};
