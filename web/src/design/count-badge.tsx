import { useFormats } from '../i18n/language.js';
import styles from './count-badge.module.css';

interface CountBadgeProps {
  readonly count: number;
  /** What is counted, for a screen reader: "3 unread". */
  readonly label: string;
  /** Above it the badge says "more than this many". */
  readonly max?: number;
  /** What stands before the number, or alone: `@` where somebody is named. */
  readonly mark?: string;
}

/** How many of something wait; nothing where none does. */
export const CountBadge = ({ count, label, max = 99, mark = '' }: CountBadgeProps) => {
  const { number } = useFormats();
  if (count <= 0 && mark === '') return null;
  const many = count > max ? `${number(max)}+` : number(count);
  return (
    <span className={styles.badge}>
      <span aria-hidden="true">{mark + (count > 0 ? many : '')}</span>
      <span className="visually-hidden">{label}</span>
    </span>
  );
};
