import { Ban, CircleCheck, Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { useMutation } from 'urql';
import { failureOf, wordsOf } from '../../api/failure.js';
import { AskDialog } from '../../app/ask-dialog.js';
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
  const [, block] = useMutation(BlockPerson);
  const [, unblock] = useMutation(UnblockPerson);
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
      <AskDialog
        open={asks}
        onClose={() => setAsks(false)}
        title={t('blockAsk', { name })}
        act={t('block')}
        onAct={async () => (await block({ userId: id })).error}
        onDone={() => toast(t('isBlocked', { name }))}
      >
        <p>{t('blockText')}</p>
      </AskDialog>
    </>
  );
};

export default PersonMenu;
