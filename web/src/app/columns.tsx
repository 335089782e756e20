import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { browserStorage } from '../api/storage.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { useKeptScroll } from './kept-scroll.js';
import styles from './columns.module.css';

interface ColumnsProps {
  /** The tree, the conversations, the filters. */
  readonly list: ReactNode;
  /** What the list is, for a screen reader. */
  readonly listLabel: string;
  /** The page. */
  readonly children: ReactNode;
  /** What is shown beside the page on demand: contents, members, details. */
  readonly side?: ReactNode;
  readonly sideLabel?: string;
  /** Which of them a narrow screen shows, where the list is a page of its own. */
  readonly narrow: 'list' | 'page';
}

const KEY = 'lyceum:list-width';
const MIN = 280;
const MAX = 320;
const STEP = 8;
const within = (width: number): number => Math.min(MAX, Math.max(MIN, Math.round(width)));
const kept = (): number => within(Number(browserStorage.getItem(KEY)) || MIN);

/** A list column beside the page, as wide as somebody has made it, and a side column where there is one. */
export const Columns = ({ list, listLabel, children, side, sideLabel, narrow }: ColumnsProps) => {
  const t = useTexts(appTexts);
  const [width, setWidth] = useState(kept);
  const page = useRef<HTMLDivElement>(null);
  useKeptScroll(page, 'page');
  const resize = (to: number): void => {
    setWidth(within(to));
    browserStorage.setItem(KEY, String(within(to)));
  };
  const isRtl = (): boolean => document.documentElement.dir === 'rtl';
  const byPointer = (event: PointerEvent<HTMLDivElement>): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const { left, right } = event.currentTarget.parentElement?.getBoundingClientRect() ?? { left: 0, right: 0 };
    resize(isRtl() ? right - event.clientX : event.clientX - left);
  };
  const byKey = (event: KeyboardEvent): void => {
    const wider = isRtl() ? 'ArrowLeft' : 'ArrowRight';
    const narrower = isRtl() ? 'ArrowRight' : 'ArrowLeft';
    if (event.key !== wider && event.key !== narrower) return;
    event.preventDefault();
    resize(width + (event.key === wider ? STEP : -STEP));
  };
  return (
    <div className={styles.columns} data-narrow={narrow} style={{ '--list-width': `${width}px` } as Record<string, string>}>
      <section className={styles.list} aria-label={listLabel}>
        {list}
      </section>
      <div
        className={styles.handle}
        role="separator"
        aria-orientation="vertical"
        aria-label={t('listWidth')}
        aria-valuenow={width}
        aria-valuemin={MIN}
        aria-valuemax={MAX}
        tabIndex={0}
        onKeyDown={byKey}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={byPointer}
      />
      <div ref={page} className={styles.page}>
        {children}
      </div>
      {side !== undefined && (
        <aside className={styles.side} aria-label={sideLabel}>
          {side}
        </aside>
      )}
    </div>
  );
};
