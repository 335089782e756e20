import type { ReactNode } from 'react';
import { Link } from 'wouter';
import styles from './tabs.module.css';

interface LinkTabsProps {
  /** What they are about, for a screen reader. */
  readonly label: string;
  readonly tabs: readonly { readonly to: string; readonly title: ReactNode; readonly isSelected: boolean }[];
}

/** Parts of a page that have addresses of their own, as a row that looks like tabs. */
export const LinkTabs = ({ label, tabs }: LinkTabsProps) => (
  <nav aria-label={label} className={styles.list}>
    {tabs.map(({ to, title, isSelected }) => (
      <Link key={to} to={to} className={styles.tab} aria-current={isSelected ? 'page' : undefined}>
        {title}
      </Link>
    ))}
  </nav>
);
