import { MessagesSquare } from 'lucide-react';
import { useEffect, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { Link, useLocation, useParams, useSearch } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { Columns } from '../../app/columns.js';
import { useHere } from '../../app/invitation.js';
import { paths } from '../../app/paths.js';
import { useTitle } from '../../app/title.js';
import { buttonClass } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { EmptyState } from '../../design/empty-state.js';
import { useTexts } from '../../i18n/language.js';
import { ConversationList } from './conversation-list.js';
import { ConversationPane } from './conversation-pane.js';
import { MembersPanel } from './members-panel.js';
import { messagesTexts } from './messages-texts.js';
import { resumeOutboxes } from './outbox.js';

const NothingChosen = () => {
  const t = useTexts(messagesTexts);
  useTitle(t('title'));
  return (
    <EmptyState icon={<MessagesSquare size={20} />} title={t('chooseTitle')}>
      {t('chooseText')}
    </EmptyState>
  );
};

/** Whether there is room for a column beside the page, as `Columns` has it. */
const wide = matchMedia('(width >= 1100px)');
const onWide = (listener: () => void): (() => void) => {
  wide.addEventListener('change', listener);
  return () => wide.removeEventListener('change', listener);
};
const useWide = (): boolean => useSyncExternalStore(onWide, () => wide.matches);

const MessagesPage = () => {
  const t = useTexts(messagesTexts);
  const { id } = useParams<{ id?: string }>();
  const owner = useOwner();
  const client = useClient();
  const [location, navigate] = useLocation();
  const parameters = new URLSearchParams(useSearch());
  const panel = parameters.get('panel');
  const here = useHere();
  const isWide = useWide();
  const close = (): void => {
    parameters.delete('panel');
    navigate(parameters.size === 0 ? location : `${location}?${parameters.toString()}`, { replace: true });
  };
  useEffect(() => {
    if (owner !== null) resumeOutboxes(client, owner);
  }, [client, owner]);
  if (owner === null)
    return (
      <EmptyState
        isPage
        icon={<MessagesSquare size={20} />}
        title={t('signInTitle')}
        action={
          <Link to={paths.signIn(here)} className={buttonClass('primary')}>
            {t('signIn')}
          </Link>
        }
      >
        {t('signInText')}
      </EmptyState>
    );
  return (
    <Columns
      list={<ConversationList selected={id ?? null} />}
      listLabel={t('conversations')}
      narrow={id === undefined ? 'list' : 'page'}
      {...(id !== undefined && isWide && panel === 'members' ? { side: <MembersPanel id={id} />, sideLabel: t('members') } : {})}
    >
      {id === undefined ? <NothingChosen /> : <ConversationPane key={id} id={id} owner={owner} />}
      {id !== undefined && (
        <Dialog open={!isWide && panel === 'members'} onClose={close} title={t('members')}>
          <MembersPanel id={id} />
        </Dialog>
      )}
    </Columns>
  );
};

export default MessagesPage;
