import { Archive, BellOff, DoorOpen, Pin, SquarePen } from 'lucide-react';
import { lazy, memo, Suspense, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { Link, useSearch } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { useLive } from '../../api/live.js';
import { Answer } from '../../app/answer.js';
import { paths } from '../../app/paths.js';
import { Avatar } from '../../design/avatar.js';
import { Button, IconButton, buttonClass } from '../../design/button.js';
import { CountBadge } from '../../design/count-badge.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { ConversationFilter } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf, oneLine } from './names.js';
import { ConversationList as List, ConversationRow, InboxLive, PresenceOfPeers } from './operations.js';
import styles from './conversation-list.module.css';

const NewConversation = lazy(() => import('./new-conversation.js'));

const Row = memo(
  ({ conversation, isSelected }: { readonly conversation: FragmentType<typeof ConversationRow>; readonly isSelected: boolean }) => {
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
      return kind === 'DIRECT' ? text : t('someone', { name: lastMessage.author.displayName, text });
    };
    return (
      <li>
        <Link
          to={paths.conversation(id)}
          className={styles.row}
          aria-current={isSelected ? 'page' : undefined}
          data-unread={unread > 0 || undefined}
        >
          <Avatar name={name} of={peer?.username ?? id} size={32} presence={peer?.presence.status ?? 'OFFLINE'} />
          <span className={styles.texts}>
            <span className={styles.head}>
              <span className={styles.name} dir="auto">
                {name}
              </span>
              {isPinned && <Pin size={16} aria-hidden="true" className={styles.mark} />}
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
      </li>
    );
  },
);

type Which = 'inbox' | 'requests' | 'archived';
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

interface Placed {
  readonly isPinned: boolean;
  readonly lastMessageAt: string | null;
  readonly createdAt: string;
}

const recency = ({ lastMessageAt, createdAt }: Placed): string => lastMessageAt ?? createdAt;
const byRecency = (one: Placed, other: Placed): number =>
  Number(other.isPinned) - Number(one.isPinned) || (recency(one) < recency(other) ? 1 : recency(one) > recency(other) ? -1 : 0);

/** The conversations of the viewer, the latest first, kept by `inboxChanged`. */
export const ConversationList = ({ selected }: { readonly selected: string | null }) => {
  const t = useTexts(messagesTexts);
  const wanted = new URLSearchParams(useSearch()).get('list');
  const which: Which = wanted === 'requests' || wanted === 'archived' ? wanted : 'inbox';
  const [after, setAfter] = useState<{ readonly of: Which; readonly cursor: string | null }>({ of: which, cursor: null });
  const [isBeginning, setBeginning] = useState(false);
  const variables = { filter: FILTERS[which], after: after.of === which ? after.cursor : null };
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
  const conversations = useMemo(() => [...(nodes ?? [])].sort(byRecency), [nodes]);
  const peers = useMemo(
    () => [...new Set(conversations.flatMap(({ peer }) => (peer ? [peer.id] : [])))].sort().slice(0, 100),
    [conversations],
  );
  useLive({ query: PresenceOfPeers, variables: peers.length === 0 ? null : { ids: peers }, about: peers.join() });
  const requests = me?.unreadCounts.requests ?? 0;
  const Title = selected === null ? 'h1' : 'h2';
  const hrefOf = (to: Which): string => (to === 'inbox' ? paths.messages : `${paths.messages}?list=${to}`);
  return (
    <div className={styles.list}>
      <header className={styles.top}>
        <Title className={styles.title}>{t('title')}</Title>
        <Link
          to={hrefOf(which === 'archived' ? 'inbox' : 'archived')}
          className={styles.icon}
          title={t('archived')}
          aria-label={t('archived')}
          aria-current={which === 'archived' ? 'page' : undefined}
        >
          <Archive size={20} aria-hidden="true" />
        </Link>
        <Link to={paths.join()} className={styles.icon} title={t('newRoom')} aria-label={t('newRoom')}>
          <DoorOpen size={20} aria-hidden="true" />
        </Link>
        <IconButton label={t('new')} icon={<SquarePen size={20} />} onClick={() => setBeginning(true)} />
      </header>
      {(requests > 0 || which !== 'inbox') && (
        <nav className={styles.which} aria-label={t('conversations')}>
          {(['inbox', 'requests', 'archived'] as const).map((each) => (
            <Link key={each} to={hrefOf(each)} className={styles.tab} aria-current={which === each ? 'page' : undefined}>
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
            <>
              <ul className={styles.rows} aria-label={t('conversations')}>
                {conversations.map((conversation) => (
                  <Row key={conversation.id} conversation={conversation} isSelected={conversation.id === selected} />
                ))}
              </ul>
              {me?.conversations.pageInfo.hasNextPage && (
                <Button look="plain" busy={isFetching} onClick={() => setAfter({ of: which, cursor: me.conversations.pageInfo.endCursor })}>
                  {t('more')}
                </Button>
              )}
            </>
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
