import { useState, type ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { failureOf, type Failure } from '../api/failure.js';
import { Button } from '../design/button.js';
import { Dialog } from '../design/dialog.js';
import { ErrorNotice } from '../design/error-notice.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import styles from './ask-dialog.module.css';

interface AskDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  /** The question, which names the thing. */
  readonly title: string;
  /** What the button that does it says. */
  readonly act: string;
  /** Does it. @returns what went wrong; without anything the dialog is closed */
  readonly onAct: () => Promise<CombinedError | undefined>;
  /** It has been done. */
  readonly onDone?: (() => void) | undefined;
  /** What the button that leaves it undone says: "Cancel" when left out. */
  readonly keep?: string;
  /** Words of somebody by which the thing is known. */
  readonly quote?: string;
  /** What it means, and what is asked beside it. */
  readonly children: ReactNode;
}

/** Asks before something is done that has no way back; it is done once at a time, and what went wrong stands in the question. */
export const AskDialog = ({ open, onClose, title, act, onAct, onDone, keep, quote, children }: AskDialogProps) => {
  const t = useTexts(appTexts);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const close = (): void => {
    setFailure(null);
    onClose();
  };
  const doIt = async (): Promise<void> => {
    setBusy(true);
    const found = failureOf(await onAct());
    setBusy(false);
    setFailure(found);
    if (found !== null) return;
    onClose();
    onDone?.();
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      actions={
        <>
          <Button onClick={close}>{keep ?? t('cancel')}</Button>
          <Button look="danger" busy={busy} onClick={() => void doIt()}>
            {act}
          </Button>
        </>
      }
    >
      {quote !== undefined && (
        <blockquote className={styles.quote} dir="auto">
          {quote}
        </blockquote>
      )}
      {children}
      {failure && <ErrorNotice failure={failure} />}
    </Dialog>
  );
};
