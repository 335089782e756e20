import { Ellipsis, Link2, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Menu, MenuItem, MenuSeparator } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { useCopy } from '../copy.js';
import { paths } from '../paths.js';
import { DeletePost } from './operations.js';
import { postTexts } from './post-texts.js';
import styles from './post-menu.module.css';

interface PostMenuProps {
  readonly id: string;
  readonly author: string;
  readonly onEdit: (() => void) | undefined;
  readonly canDelete: boolean;
  /** How the post begins, by which it is known when it is about to be deleted. */
  readonly beginning: string;
  readonly onDeleted: (() => void) | undefined;
}

/** What may be done with a post beside reading it. */
const PostMenu = ({ id, author, onEdit, canDelete, beginning, onDeleted }: PostMenuProps) => {
  const t = useTexts(postTexts);
  const toast = useToast();
  const copy = useCopy();
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [{ fetching }, remove] = useMutation(DeletePost);
  const deleteIt = async (): Promise<void> => {
    const { error } = await remove({ id });
    setFailure(failureOf(error));
    if (error) return;
    setAsks(false);
    toast(t('deleted'));
    onDeleted?.();
  };
  return (
    <>
      <Menu label={t('moreOf', { author })} icon={<Ellipsis size={20} />}>
        {onEdit && (
          <MenuItem icon={<Pencil size={16} />} onSelect={onEdit}>
            {t('edit')}
          </MenuItem>
        )}
        <MenuItem icon={<Link2 size={16} />} onSelect={() => copy(new URL(paths.post(id), location.href).href, t('linkCopied'))}>
          {t('copyLink')}
        </MenuItem>
        {canDelete && (
          <>
            <MenuSeparator />
            <MenuItem icon={<Trash2 size={16} />} look="danger" onSelect={() => setAsks(true)}>
              {t('delete')}
            </MenuItem>
          </>
        )}
      </Menu>
      <Dialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('deletePost')}
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
        <p>{t('deletePostText')}</p>
        {failure && <ErrorNotice failure={failure} />}
      </Dialog>
    </>
  );
};

export default PostMenu;
