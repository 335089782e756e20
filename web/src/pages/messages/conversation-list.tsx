import { Archive, BellOff, DoorOpen, Pin, SquarePen } from 'lucide-react';
import { lazy, memo, Suspense, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { useLive } from '../../api/live.js';
import { Answer } from '../../app/answer.js';
import { usePresence } from '../../app/people/use-presence.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { useViewer } from '../../app/viewer.js';
import { Avatar } from '../../design/avatar.js';
import { IconButton, buttonClass } from '../../design/button.js';
import { CountBadge } from '../../design/count-badge.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { ScrolledList } from '../../design/scrolled-list.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { ConversationFilter, ConversationPlaceFragment } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { ConversationMenu } from './conversation-menu.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf, oneLine } from './names.js';
import { ConversationList as List, ConversationPlace, ConversationRow, InboxLive } from './operations.js';
import { addressOf, useWhich, type Which } from './which.js';
import styles from './conversation-list.module.css';

const NewConversation = lazy(() => import('./new-conversation.js'));

interface RowProps {
  readonly conversation: FragmentType<typeof ConversationRow>;
  /** The list in which it stands. */
  readonly which: Which;
  readonly isSelected: boolean;
  readonly tabIndex: 0 | -1;
}

/** How high a row is, in pixels. */
const ROW_PX = 56;

const Row = memo(({ conversation, which, isSelected, tabIndex }: RowProps) => {
  const t = useTexts(messagesTexts);
  const owner = useOwner();
  const row = readFragment(ConversationRow, conversation);
  const { id, kind, peer, lastMessage, lastMessageAt, createdAt, unreadCount, isMuted, isPinned, isMarkedUnread } = row;
  const name = nameOf(row, t);
  const unread = Math.max(unreadCount, isMarkedUnread ? 1 : 0);
  const said = (): string => {
    if (!lastMessage) return t('nothingSaid');
    const text = lastMessage.deletedAt === null ? oneLine(lastMessage.body) : t('deletedMessage');
    if (lastMessage.author.id === owner) return t('you', { text });
    return kind === 'DIRECT'
      ? text
      : t('someone', { name: lastMessage.author.isDeleted ? t('deletedUser') : lastMessage.author.displayName, text });
  };
  return (
    <div className={styles.item} data-unread={unread > 0 || undefined}>
      <Link to={addressOf(which, id)} className={styles.row} aria-current={isSelected ? 'page' : undefined} tabIndex={tabIndex}>
        <Avatar name={name} of={peer?.username ?? id} size={32} presence={peer?.presence.status ?? 'OFFLINE'} />
        <span className={styles.texts}>
          <span className={styles.head}>
            <span className={styles.name} dir="auto">
              {name}
            </span>
            {isPinned && <Pin size={16} aria-label={t('pinned')} className={styles.mark} />}
            {isMuted && <BellOff size={16} aria-label={t('muted')} className={styles.mark} />}
            <span className={styles.time}>
              <RelativeTime at={lastMessageAt ?? createdAt} />
            </span>
          </span>
          <span className={styles.foot}>
            <span className={styles.said} dir="auto">
              {said()}
            </span>
            <CountBadge count={unread} label={t('unreadCount', { count: unread })} />
          </span>
        </span>
      </Link>
      <ConversationMenu conversation={row} className={styles.menu} tabIndex={tabIndex} />
    </div>
  );
});

const FILTERS: Readonly<Record<Which, ConversationFilter | null>> = {
  inbox: null,
  requests: { isRequest: true },
  archived: { isArchived: true },
};
const EMPTY = {
  inbox: ['emptyTitle', 'emptyText'],
  requests: ['emptyRequests', 'emptyRequestsText'],
  archived: ['emptyArchived', 'emptyArchivedText'],
} as const;

const recency = ({ lastMessageAt, createdAt }: ConversationPlaceFragment): string => lastMessageAt ?? createdAt;
const down = (one: string, other: string): number => (one < other ? 1 : one > other ? -1 : 0);

/** Pinned ones first, the last that was pinned above, then by what was said last. */
const byPlace = (one: FragmentType<typeof ConversationPlace>, other: FragmentType<typeof ConversationPlace>): number => {
  const [a, b] = [readFragment(ConversationPlace, one), readFragment(ConversationPlace, other)];
  return down(a.pinnedAt ?? '', b.pinnedAt ?? '') || down(recency(a), recency(b));
};

/** The conversations of the viewer, pinned ones first and then the latest, kept by `inboxChanged`. */
export const ConversationList = ({ selected }: { readonly selected: string | null }) => {
  const t = useTexts(messagesTexts);
  const which = useWhich();
  const { after, moreOf } = usePages(which);
  const [isBeginning, setBeginning] = useState(false);
  const variables = { filter: FILTERS[which], after, withPinned: which === 'inbox' };
  const answer = useQuery({ query: List, variables });
  const [{ data }, again] = answer;
  const me = data?.me;
  useLive({
    query: InboxLive,
    variables: me ? { after: me.inboxCursor } : null,
    about: 'inbox',
    onExpired: () => again({ requestPolicy: 'network-only' }),
  });
  const nodes = me?.conversations.nodes;
  const pinned = me?.pinned?.nodes;
  const conversations = useMemo(() => {
    const byId = new Map([...(nodes ?? []), ...(pinned ?? [])].map((conversation) => [conversation.id, conversation]));
    return [...byId.values()].sort(byPlace);
  }, [nodes, pinned]);
  const peers = useMemo(() => {
    const ids = conversations.flatMap((conversation) => readFragment(ConversationPlace, conversation).peer?.id ?? []);
    return ids.sort();
  }, [conversations]);
  usePresence(peers);
  const requests = useViewer()?.unread.requests ?? 0;
  const hasTabs = requests > 0 || which !== 'inbox';
  const Title = selected === null ? 'h1' : 'h2';
  return (
    <div className={styles.list}>
      <header className={styles.top}>
        <Title className={styles.title}>{t('title')}</Title>
        {!hasTabs && (
          <Link to={addressOf('archived')} className={styles.icon} title={t('archived')} aria-label={t('archived')}>
            <Archive size={20} aria-hidden="true" />
          </Link>
        )}
        <Link to={paths.join()} className={styles.icon} title={t('newRoom')} aria-label={t('newRoom')}>
          <DoorOpen size={20} aria-hidden="true" />
        </Link>
        <IconButton label={t('new')} icon={<SquarePen size={20} />} onClick={() => setBeginning(true)} />
      </header>
      {hasTabs && (
        <nav className={styles.which} aria-label={t('conversations')}>
          {(['inbox', 'requests', 'archived'] as const).map((each) => (
            <Link key={each} to={addressOf(each)} className={styles.tab} aria-current={which === each ? 'page' : undefined}>
              {t(each)}
              {each === 'requests' && <CountBadge count={requests} label={t('unreadCount', { count: requests })} />}
            </Link>
          ))}
        </nav>
      )}
      <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
        {(_data, isFetching) =>
          conversations.length === 0 ? (
            <EmptyState
              title={t(EMPTY[which][0])}
              action={
                which === 'inbox' ? (
                  <button type="button" className={buttonClass('primary')} onClick={() => setBeginning(true)}>
                    {t('new')}
                  </button>
                ) : undefined
              }
            >
              {t(EMPTY[which][1])}
            </EmptyState>
          ) : (
            <div className={styles.rows}>
              <ScrolledList
                items={conversations}
                keyOf={({ id }) => id}
                label={t('conversations')}
                itemSize={ROW_PX}
                onEnd={me ? moreOf(me.conversations.pageInfo, isFetching).onMore : undefined}
              >
                {(conversation, tabIndex) => (
                  <Row conversation={conversation} which={which} isSelected={conversation.id === selected} tabIndex={tabIndex} />
                )}
              </ScrolledList>
              {isFetching && after !== null && <Skeleton kind="rows" lines={2} />}
            </div>
          )
        }
      </Answer>
      {isBeginning && (
        <Suspense>
          <NewConversation onClose={() => setBeginning(false)} />
        </Suspense>
      )}
    </div>
  );
};
