import { Ellipsis, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Menu, MenuItem } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { DeleteComment } from './operations.js';
import { postPageTexts } from './post-page-texts.js';
import styles from './comment-menu.module.css';

interface CommentMenuProps {
  readonly id: string;
  readonly author: string;
  /** What it says, by which it is known when it is about to be deleted. */
  readonly beginning: string;
  readonly onEdit: (() => void) | undefined;
  readonly canDelete: boolean;
}

/** What may be done with a comment beside answering it. */
const CommentMenu = ({ id, author, beginning, onEdit, canDelete }: CommentMenuProps) => {
  const t = useTexts(postPageTexts);
  const toast = useToast();
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [{ fetching }, remove] = useMutation(DeleteComment);
  const deleteIt = async (): Promise<void> => {
    const { error } = await remove({ id });
    setFailure(failureOf(error));
    if (error) return;
    setAsks(false);
    toast(t('commentDeleted'));
  };
  return (
    <>
      <Menu label={t('moreOf', { author })} icon={<Ellipsis size={16} />} placement="bottom-start">
        {onEdit && (
          <MenuItem icon={<Pencil size={16} />} onSelect={onEdit}>
            {t('edit')}
          </MenuItem>
        )}
        {canDelete && (
          <MenuItem icon={<Trash2 size={16} />} look="danger" onSelect={() => setAsks(true)}>
            {t('delete')}
          </MenuItem>
        )}
      </Menu>
      <Dialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('deleteComment')}
        actions={
          <>
            <Button onClick={() => setAsks(false)}>{t('cancel')}</Button>
            <Button look="danger" busy={fetching} onClick={() => void deleteIt()}>
              {t('delete')}
            </Button>
          </>
        }
      >
        <p className={styles.beginning} dir="auto">
          {beginning}
        </p>
        <p>{t('deleteText')}</p>
        {failure && <ErrorNotice failure={failure} />}
      </Dialog>
    </>
  );
};

export default CommentMenu;
