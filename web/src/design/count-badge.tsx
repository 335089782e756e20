import { useFormats } from '../i18n/language.js';
import styles from './count-badge.module.css';

interface CountBadgeProps {
  readonly count: number;
  /** What is counted, for a screen reader: "3 unread". */
  readonly label: string;
  /** Above it the badge says "more than this many". */
  readonly max?: number;
}

/** How many of something wait; nothing where none does. */
export const CountBadge = ({ count, label, max = 99 }: CountBadgeProps) => {
  const { number } = useFormats();
  if (count <= 0) return null;
  return (
    <span className={styles.badge}>
      <span aria-hidden="true">{count > max ? `${number(max)}+` : number(count)}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
};
