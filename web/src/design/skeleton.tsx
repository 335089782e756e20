import { useTexts } from '../i18n/language.js';
import { designTexts } from '../i18n/design-texts.js';
import styles from './skeleton.module.css';

interface SkeletonProps {
  /** How many lines it stands for, so that nothing jumps when they come. */
  readonly lines?: number;
  /** Rows of a list are as high as a row. */
  readonly kind?: 'text' | 'rows';
}

/** Keeps the place of what is loaded, and says so to a screen reader. */
export const Skeleton = ({ lines = 3, kind = 'text' }: SkeletonProps) => {
  const t = useTexts(designTexts);
  return (
    <div className={styles.skeleton} data-kind={kind} role="status">
      <span className="visually-hidden">{t('loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className={styles.line} aria-hidden="true" />
      ))}
    </div>
  );
};
