import { useState, type ReactNode, type SubmitEvent } from 'react';
import type { CombinedError } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
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
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const send = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const error = await onSubmit(new FormData(event.currentTarget));
    setBusy(false);
    setFailure(failureOf(error));
  };
  const own = failure && (words?.(failure) ?? null);
  return (
    <form className={styles.form} onSubmit={(event) => void send(event)} noValidate>
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

/** A text of a form, without the blanks around it. */
export const textOf = (values: FormData, name: string): string => {
  const value = values.get(name);
  return typeof value === 'string' ? value.trim() : '';
};

/** The same for what blanks belong to. */
export const secretTextOf = (values: FormData, name: string): string => {
  const value = values.get(name);
  return typeof value === 'string' ? value : '';
};
