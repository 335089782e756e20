import { useState, type ReactNode } from 'react';
import type { CombinedError } from 'urql';
import type { Failure } from '../../api/failure.js';
import { useSending } from '../../app/sending.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { useTexts } from '../../i18n/language.js';
import styles from './settings-page.module.css';
import { settingsTexts } from './settings-texts.js';

interface AccountFormProps {
  /** What a closed form is opened by, and what sends it. */
  readonly title: string;
  /** Its name, where the title alone does not say which of several it is. */
  readonly label?: string;
  readonly submit: string;
  readonly cancel: string;
  /** Sends what was entered. @returns what went wrong; without anything the form is closed */
  readonly onSubmit: (values: FormData) => Promise<CombinedError | undefined>;
  readonly children: (failure: Failure | null) => ReactNode;
}

/** A form of the account, closed until it is wanted: nobody changes their password on the way to something else. */
export const AccountForm = ({ title, label = title, submit, cancel, onSubmit, children }: AccountFormProps) => {
  const t = useTexts(settingsTexts);
  const [isOpen, setOpen] = useState(false);
  const { failure, busy, onSubmit: send, reset } = useSending(onSubmit, () => setOpen(false));
  const close = (): void => {
    reset();
    setOpen(false);
  };
  if (!isOpen)
    return (
      <Button className={styles.act} aria-label={label} onClick={() => setOpen(true)}>
        {title}
      </Button>
    );
  return (
    <form className={styles.form} onSubmit={send} aria-label={label} noValidate>
      {failure?.reason === 'SIGN_IN_AGAIN' && <p role="alert">{t('signInAgain')}</p>}
      {failure && failure.fields.length === 0 && failure.reason !== 'SIGN_IN_AGAIN' && <ErrorNotice failure={failure} />}
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
