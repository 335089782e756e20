import { useState, type ReactNode, type SubmitEvent } from 'react';
import type { CombinedError } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import styles from './settings-page.module.css';

interface AccountFormProps {
  /** What a closed form is opened by, and what sends it. */
  readonly title: string;
  readonly submit: string;
  readonly cancel: string;
  /** Sends what was entered. @returns what went wrong; without anything the form is closed */
  readonly onSubmit: (values: FormData) => Promise<CombinedError | undefined>;
  readonly children: (failure: Failure | null) => ReactNode;
}

/** A form of the account, closed until it is wanted: nobody changes their password on the way to something else. */
export const AccountForm = ({ title, submit, cancel, onSubmit, children }: AccountFormProps) => {
  const [isOpen, setOpen] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const close = (): void => {
    setFailure(null);
    setOpen(false);
  };
  const send = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    const error = await onSubmit(new FormData(event.currentTarget));
    setBusy(false);
    if (error) setFailure(failureOf(error));
    else close();
  };
  if (!isOpen)
    return (
      <Button className={styles.act} onClick={() => setOpen(true)}>
        {title}
      </Button>
    );
  return (
    <form className={styles.form} onSubmit={(event) => void send(event)} aria-label={title} noValidate>
      {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      {children(failure)}
      <div className={styles.acts}>
        <Button type="submit" look="primary" busy={busy}>
          {submit}
        </Button>
        <Button onClick={close}>{cancel}</Button>
      </div>
    </form>
  );
};
