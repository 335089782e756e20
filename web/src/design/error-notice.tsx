import type { ReactNode } from 'react';
import { wordsOf, type Failure } from '../api/failure.js';
import { useTexts } from '../i18n/language.js';
import { failureTexts } from '../i18n/failure-texts.js';
import { Button } from './button.js';
import styles from './error-notice.module.css';

interface ErrorNoticeProps {
  readonly failure: Failure;
  readonly onRetry?: () => void;
  /** What was kept, or what else may be done. */
  readonly children?: ReactNode;
}

/** What happened, what was kept, what to do; with the code in small. */
export const ErrorNotice = ({ failure, onRetry, children }: ErrorNoticeProps) => {
  const t = useTexts(failureTexts);
  return (
    <div className={styles.notice} role="alert">
      <p>{wordsOf(failure, t)}</p>
      {children}
      <div className={styles.foot}>
        {onRetry && <Button onClick={onRetry}>{t('retry')}</Button>}
        <code className={styles.code}>
          {failure.code}
          {failure.traceId !== null && ` ${failure.traceId}`}
        </code>
      </div>
    </div>
  );
};
