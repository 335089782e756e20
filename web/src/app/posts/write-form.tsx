import { useState, type ReactNode, type SubmitEvent } from 'react';
import type { CombinedError } from 'urql';
import { failureOf, fieldWords, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { useDraft } from '../drafts.js';
import { MentionField } from '../mention-field.js';
import { postTexts } from './post-texts.js';
import styles from './write-form.module.css';

interface WriteFormProps {
  /** What is written: "A post", "A reply to Zoe". */
  readonly label: string;
  readonly submit: string;
  /** Sends it; sent again after a failure it has the same `clientId`, so that nothing stands twice. @returns what went wrong */
  readonly onSend: (body: string, clientId: string) => Promise<CombinedError | undefined>;
  /** The most characters that it may have. */
  readonly max: number;
  /** Under which name an unfinished text is kept in this browser; null where none is. */
  readonly draft: string | null;
  /** What stands there to begin with: the text that is edited. */
  readonly initial?: string;
  readonly onCancel?: () => void;
  readonly autoFocus?: boolean;
  /** One text on a page is its primary action. */
  readonly isPrimary?: boolean;
  readonly foot?: ReactNode;
}

/** From so many characters before the end on it is told how many are left. */
const TOLD_BEFORE = 200;

/** Where a post, a comment or another text of theirs is written, in Markdown and with mentions. What was written stays until it has arrived. */
export const WriteForm = ({
  label,
  submit,
  onSend,
  max,
  draft,
  initial = '',
  onCancel,
  autoFocus = false,
  isPrimary = false,
  foot,
}: WriteFormProps) => {
  const t = useTexts(postTexts);
  const words = useTexts(fieldTexts);
  const [kept, keep] = useDraft(draft);
  const [edited, setEdited] = useState(initial);
  const text = draft === null ? edited : kept;
  const write = draft === null ? setEdited : keep;
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [clientId, setClientId] = useState(() => crypto.randomUUID());
  const left = max - [...text].length;
  const canSend = text.trim() !== '' && left >= 0 && text !== initial && !busy;

  const send = async (event?: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event?.preventDefault();
    if (!canSend) return;
    setBusy(true);
    const error = await onSend(text.trim(), clientId);
    setBusy(false);
    setFailure(failureOf(error));
    if (error) return;
    write('');
    setClientId(crypto.randomUUID());
  };
  const wrong = fieldWords(failure, 'body', words);
  return (
    <form
      className={styles.form}
      onSubmit={(event) => void send(event)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented || !onCancel) return;
        event.stopPropagation();
        onCancel();
      }}
    >
      <MentionField
        label={label}
        value={text}
        onChange={(next) => {
          write(next);
          // Another text is another act.
          if (failure) setClientId(crypto.randomUUID());
        }}
        onSend={() => void send()}
        autoFocus={autoFocus}
        aria-invalid={left < 0 || wrong !== null || undefined}
        className={styles.area}
      />
      {wrong !== null && (
        <p className={styles.wrong} role="alert">
          {wrong}
        </p>
      )}
      {failure && wrong === null && (
        <ErrorNotice failure={failure} onRetry={() => void send()}>
          <p>{t('textKept')}</p>
        </ErrorNotice>
      )}
      <div className={styles.foot}>
        <span className={styles.note} role="status">
          {left < TOLD_BEFORE ? t('left', { count: left }) : foot}
        </span>
        {onCancel && (
          <Button look="plain" onClick={onCancel}>
            {t('cancel')}
          </Button>
        )}
        <Button type="submit" look={isPrimary ? 'primary' : 'secondary'} busy={busy} disabled={!canSend && !busy}>
          {submit}
        </Button>
      </div>
    </form>
  );
};
