import { useState } from 'react';
import { useMutation } from 'urql';
import { AskDialog } from '../../app/ask-dialog.js';
import { Button } from '../../design/button.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import { AcceptRequest, DeclineRequest } from './operations.js';
import { useFailed } from './use-failed.js';
import styles from './request-bar.module.css';

interface RequestOf {
  /** The conversation. */
  readonly id: string;
  /** What it is called: the name of who has begun it. */
  readonly name: string;
  readonly onDeclined?: (() => void) | undefined;
}

interface DeclineDialogProps extends RequestOf {
  readonly open: boolean;
  readonly onClose: () => void;
}

/** Asks before a request goes from all lists, naming whose it is. */
export const DeclineDialog = ({ id, name, open, onClose, onDeclined }: DeclineDialogProps) => {
  const t = useTexts(messagesTexts);
  const toast = useToast();
  const [, decline] = useMutation(DeclineRequest);
  return (
    <AskDialog
      open={open}
      onClose={onClose}
      title={t('declineTitle', { name })}
      act={t('decline')}
      onAct={async () => (await decline({ input: { conversationId: id } })).error}
      onDone={() => {
        toast(t('declined', { name }));
        onDeclined?.();
      }}
    >
      <p>{t('declineText', { name })}</p>
    </AskDialog>
  );
};

/** Above the field of a conversation that a stranger has begun: whether it is wanted. */
export const RequestBar = ({ id, name, onDeclined }: RequestOf) => {
  const t = useTexts(messagesTexts);
  const failed = useFailed();
  const [{ fetching }, accept] = useMutation(AcceptRequest);
  const [declines, setDeclines] = useState(false);
  return (
    <section className={styles.bar} aria-label={t('requestTitle', { name })}>
      <div className={styles.texts}>
        <h2 className={styles.title} dir="auto">
          {t('requestTitle', { name })}
        </h2>
        <p className={styles.text}>{t('requestText')}</p>
      </div>
      <div className={styles.buttons}>
        <Button onClick={() => setDeclines(true)}>{t('decline')}</Button>
        <Button
          look="primary"
          busy={fetching}
          onClick={() => void accept({ input: { conversationId: id } }).then(({ error }) => failed(error))}
        >
          {t('accept')}
        </Button>
      </div>
      <DeclineDialog id={id} name={name} open={declines} onClose={() => setDeclines(false)} onDeclined={onDeclined} />
    </section>
  );
};
