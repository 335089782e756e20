import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { classNames } from '../design/class-names.js';
import { useTitle } from './title.js';
import styles from './page.module.css';

/** Whether anything has been opened before: the first page leaves the focus where the browser puts it. */
let opened = false;

interface PageProps {
  /** The one h1, and the title of the tab. */
  readonly title: string;
  /** What stands in the heading instead of the bare title, such as a name with its picture. */
  readonly heading?: ReactNode;
  /** Buttons at the end of the heading; one of them at most is primary. */
  readonly actions?: ReactNode;
  /** `reading` has the measure of a text, `wide` all of the room. */
  readonly width?: 'reading' | 'wide';
  readonly children: ReactNode;
}

/** A page: its heading, which gets the focus when the page is opened, and what stands below. */
export const Page = ({ title, heading, actions, width = 'reading', children }: PageProps) => {
  const [location] = useLocation();
  const top = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useEffect(() => {
    if (opened) top.current?.focus({ preventScroll: true });
    opened = true;
  }, [location]);
  return (
    <PageBody width={width}>
      <div className={styles.head}>
        <h1 ref={top} tabIndex={-1} className={styles.title} dir="auto">
          {heading ?? title}
        </h1>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </PageBody>
  );
};

export const PageBody = ({ width = 'reading', children }: { readonly width?: 'reading' | 'wide'; readonly children: ReactNode }) => (
  <div className={classNames(styles.page, styles[width])}>{children}</div>
);
