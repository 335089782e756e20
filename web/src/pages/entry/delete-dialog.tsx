import { useState } from 'react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { failureOf, type Failure } from '../../api/failure.js';
import { paths } from '../../app/paths.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { entryTexts } from './entry-texts.js';
import { DeleteEntry } from './operations.js';

interface DeleteDialogProps {
  readonly entry: { readonly id: string; readonly title: string };
  readonly onClose: () => void;
}

/** Asks before an entry is deleted: the API knows no way back. */
const DeleteDialog = ({ entry: { id, title }, onClose }: DeleteDialogProps) => {
  const t = useTexts(entryTexts);
  const toast = useToast();
  const [, navigate] = useLocation();
  const [{ fetching }, remove] = useMutation(DeleteEntry);
  const [clientId] = useState(() => crypto.randomUUID());
  const [failure, setFailure] = useState<Failure | null>(null);
  const act = async (): Promise<void> => {
    const { error } = await remove({ id, clientId });
    const failed = failureOf(error);
    setFailure(failed);
    if (failed) return;
    navigate(paths.vault, { replace: true });
    toast(t('deleted', { title }));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('deleteTitle')}
      actions={
        <>
          <Button onClick={onClose}>{t('keep')}</Button>
          <Button look="danger" busy={fetching} onClick={() => void act()}>
            {t('delete')}
          </Button>
        </>
      }
    >
      <p dir="auto">{t('deleteText', { title })}</p>
      {failure && <ErrorNotice failure={failure} />}
    </Dialog>
  );
};

export default DeleteDialog;
