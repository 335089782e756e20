import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import type { Failure } from '../../api/failure.js';
import { useSending } from '../../app/sending.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import styles from './session-form.module.css';

interface SessionFormProps {
  readonly submit: string;
  /** Sends what was entered. @returns what went wrong */
  readonly onSubmit: (values: FormData) => Promise<CombinedError | undefined>;
  /** The fields, which show what of the failure is theirs. */
  readonly children: (failure: Failure | null) => ReactNode;
  /** A failure in words of this form; null where the usual ones fit. */
  readonly words?: (failure: Failure) => string | null;
  readonly foot: ReactNode;
}

/** What the three ways into a session have in common. */
export const SessionForm = ({ submit, onSubmit, children, words, foot }: SessionFormProps) => {
  const { failure, busy, onSubmit: send } = useSending(onSubmit);
  const own = failure && (words?.(failure) ?? null);
  return (
    <form className={styles.form} onSubmit={send} noValidate>
      {failure && own !== null && (
        <p className={styles.wrong} role="alert">
          {own}
        </p>
      )}
      {failure && own === null && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      {children(failure)}
      <Button type="submit" look="primary" busy={busy}>
        {submit}
      </Button>
      {foot !== null && <p className={styles.foot}>{foot}</p>}
    </form>
  );
};
