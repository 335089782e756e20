import { Ellipsis, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { AskDialog } from '../../app/ask-dialog.js';
import { Menu, MenuItem } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { DeleteComment } from './operations.js';
import { postPageTexts } from './post-page-texts.js';

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
  const [, remove] = useMutation(DeleteComment);
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
      <AskDialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('deleteComment')}
        act={t('delete')}
        onAct={async () => (await remove({ id })).error}
        onDone={() => toast(t('commentDeleted'))}
        quote={beginning}
      >
        <p>{t('deleteText')}</p>
      </AskDialog>
    </>
  );
};

export default CommentMenu;
