import { Ellipsis, Link2, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { Menu, MenuItem, MenuSeparator } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { useTexts } from '../../i18n/language.js';
import { AskDialog } from '../ask-dialog.js';
import { useCopy } from '../copy.js';
import { paths } from '../paths.js';
import { DeletePost } from './operations.js';
import { postTexts } from './post-texts.js';

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
  const [, remove] = useMutation(DeletePost);
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
      <AskDialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('deletePost')}
        act={t('delete')}
        onAct={async () => (await remove({ id })).error}
        onDone={() => {
          toast(t('deleted'));
          onDeleted?.();
        }}
        quote={beginning}
      >
        <p>{t('deletePostText')}</p>
      </AskDialog>
    </>
  );
};

export default PostMenu;
