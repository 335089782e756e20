import type { ReactNode } from 'react';
import styles from './empty-state.module.css';

interface EmptyStateProps {
  readonly icon?: ReactNode;
  readonly title: string;
  /** What this place is for. */
  readonly children?: ReactNode;
  /** The one thing to do. */
  readonly action?: ReactNode;
  /** Whether the title is the heading of the page. */
  readonly isPage?: boolean;
}

/** What stands where there is nothing yet, or nothing any more. */
export const EmptyState = ({ icon, title, children, action, isPage = false }: EmptyStateProps) => {
  const Title = isPage ? 'h1' : 'p';
  return (
    <div className={styles.state}>
      {icon !== undefined && (
        <span className={styles.icon} aria-hidden="true">
          {icon}
        </span>
      )}
      <Title className={styles.title} tabIndex={isPage ? -1 : undefined}>
        {title}
      </Title>
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
};
