import type { ReactNode } from 'react';
import styles from './action-list.module.css';

/** A list of things of which each can be acted upon, such as the sessions of an account. */
export const ActionList = ({ children }: { readonly children: ReactNode }) => <ul className={styles.list}>{children}</ul>;

interface ActionRowProps {
  readonly name: string;
  /** What else is to be known of it. */
  readonly detail: ReactNode;
  /** The button; null where nothing can be done. */
  readonly action: ReactNode;
}

export const ActionRow = ({ name, detail, action }: ActionRowProps) => (
  <li className={styles.row}>
    <span>
      <bdi>{name}</bdi>
      <span className={styles.detail}>{detail}</span>
    </span>
    {action}
  </li>
);
