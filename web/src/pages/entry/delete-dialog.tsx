import { useState } from 'react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { AskDialog } from '../../app/ask-dialog.js';
import { paths } from '../../app/paths.js';
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
  const [, remove] = useMutation(DeleteEntry);
  const [clientId] = useState(() => crypto.randomUUID());
  return (
    <AskDialog
      open
      onClose={onClose}
      title={t('deleteTitle')}
      keep={t('keep')}
      act={t('delete')}
      onAct={async () => (await remove({ id, clientId })).error}
      onDone={() => {
        navigate(paths.vault, { replace: true });
        toast(t('deleted', { title }));
      }}
    >
      <p dir="auto">{t('deleteText', { title })}</p>
    </AskDialog>
  );
};

export default DeleteDialog;
