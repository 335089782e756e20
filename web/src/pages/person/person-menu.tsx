import { Ban, CircleCheck, Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { failureOf, wordsOf, type Failure } from '../../api/failure.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { Menu, MenuItem } from '../../design/menu.js';
import { useToast } from '../../design/toast.js';
import { failureTexts } from '../../i18n/failure-texts.js';
import { useTexts } from '../../i18n/language.js';
import { BlockPerson, UnblockPerson } from './operations.js';
import type { Person } from './person.js';
import { personTexts } from './person-texts.js';

/** What is seldom done with somebody. */
const PersonMenu = ({ person: { id, displayName: name, viewerBlocks } }: { readonly person: Person }) => {
  const t = useTexts(personTexts);
  const failures = useTexts(failureTexts);
  const toast = useToast();
  const [asks, setAsks] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [{ fetching }, block] = useMutation(BlockPerson);
  const [, unblock] = useMutation(UnblockPerson);
  const blockThem = async (): Promise<void> => {
    const { error } = await block({ userId: id });
    setFailure(failureOf(error));
    if (error) return;
    setAsks(false);
    toast(t('isBlocked', { name }));
  };
  const unblockThem = async (): Promise<void> => {
    const failed = failureOf((await unblock({ userId: id })).error);
    toast(failed ? t('notDone', { why: wordsOf(failed, failures) }) : t('isUnblocked', { name }));
  };
  return (
    <>
      <Menu label={t('more', { name })} icon={<Ellipsis size={20} />}>
        {viewerBlocks ? (
          <MenuItem icon={<CircleCheck size={16} />} onSelect={() => void unblockThem()}>
            {t('unblock')}
          </MenuItem>
        ) : (
          <MenuItem icon={<Ban size={16} />} look="danger" onSelect={() => setAsks(true)}>
            {t('block')}
          </MenuItem>
        )}
      </Menu>
      <Dialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('blockAsk', { name })}
        actions={
          <>
            <Button onClick={() => setAsks(false)}>{t('cancel')}</Button>
            <Button look="danger" busy={fetching} onClick={() => void blockThem()}>
              {t('block')}
            </Button>
          </>
        }
      >
        <p>{t('blockText')}</p>
        {failure && <ErrorNotice failure={failure} />}
      </Dialog>
    </>
  );
};

export default PersonMenu;
