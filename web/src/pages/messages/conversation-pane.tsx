import { ArrowLeft, UsersRound } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { useClient, useQuery } from 'urql';
import { Link, useLocation, useSearch } from 'wouter';
import { useConnection } from '../../api/api-provider.js';
import { failureOf } from '../../api/failure.js';
import { useLive } from '../../api/live.js';
import { paths } from '../../app/paths.js';
import { PersonLink } from '../../app/people/person-link.js';
import { useTitle } from '../../app/title.js';
import { Avatar } from '../../design/avatar.js';
import { buttonClass, IconButton } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import { Composer } from './composer.js';
import { ConversationMenu } from './conversation-menu.js';
import { historyOf } from './history-store.js';
import type { ShownMessage } from './history.js';
import { allMembersOf, type Opened } from './members.js';
import { MessageList } from './message-list.js';
import { messagesTexts } from './messages-texts.js';
import { nameOf } from './names.js';
import { ConversationLive, OpenConversation, PresenceOfMembers, ReadUpTo } from './operations.js';
import { outboxOf, type Quoted } from './outbox.js';
import { RequestBar } from './request-bar.js';
import { rowsOf } from './rows.js';
import { TypingLine } from './typing-line.js';
import { addressOf, useWhich } from './which.js';
import styles from './conversation-pane.module.css';

const Gone = () => {
  const t = useTexts(messagesTexts);
  useTitle(t('goneTitle'));
  return (
    <EmptyState
      isPage
      title={t('goneTitle')}
      action={
        <Link to={paths.messages} className={buttonClass('primary')}>
          {t('toMessages')}
        </Link>
      }
    >
      {t('goneText')}
    </EmptyState>
  );
};

interface HeadProps {
  readonly conversation: Opened;
  readonly onMembers: () => void;
  readonly onDeclined: () => void;
}

const Head = ({ conversation, onMembers, onDeclined }: HeadProps) => {
  const t = useTexts(messagesTexts);
  const { id, kind, peer, memberCount, onlineCount } = conversation;
  const name = nameOf(conversation, t);
  useTitle(name);
  // Those whom one follows are counted as they come and go; of more than there are here, the number is that of the last reading.
  const online = allMembersOf(conversation)?.filter(({ user }) => user.presence.status !== 'OFFLINE').length ?? onlineCount;
  const about = (): ReactNode => {
    if (!peer) return t('membersOnline', { count: memberCount, online: online ?? 0 });
    if (peer.isDeleted) return null;
    const { status, lastSeenAt } = peer.presence;
    if (status === 'ONLINE') return t('online');
    if (status === 'AWAY') return t('away');
    return lastSeenAt === null ? t('offline') : t.rich('lastSeen', { when: <RelativeTime key="when" at={lastSeenAt} /> });
  };
  return (
    <header className={styles.head}>
      <Link to={addressOf(useWhich())} className={styles.back} aria-label={t('back')} title={t('back')}>
        <ArrowLeft size={20} aria-hidden="true" />
      </Link>
      <Avatar name={name} of={peer?.username ?? id} size={32} presence={peer?.presence.status ?? 'OFFLINE'} />
      <div className={styles.names}>
        <h1 className={styles.title} tabIndex={-1} dir="auto">
          {peer ? <PersonLink person={peer}>{name}</PersonLink> : name}
        </h1>
        <p className={styles.about}>{about()}</p>
      </div>
      {kind !== 'DIRECT' && <IconButton label={t('members')} icon={<UsersRound size={20} />} onClick={onMembers} />}
      <ConversationMenu conversation={conversation} onDeclined={onDeclined} />
    </header>
  );
};

const Opened = ({ conversation, owner, again }: { readonly conversation: Opened; readonly owner: string; readonly again: () => void }) => {
  const t = useTexts(messagesTexts);
  const client = useClient();
  const [location, navigate] = useLocation();
  const parameters = new URLSearchParams(useSearch());
  const target = parameters.get('message');
  const { id, peer, isMarkedUnread, isRequest, awaitsAcceptance } = conversation;
  const store = useMemo(() => historyOf(client, id), [client, id]);
  const outbox = useMemo(() => outboxOf(client, owner, id), [client, owner, id]);
  const state = useSyncExternalStore(store.onChange, store.get);
  const outgoing = useSyncExternalStore(outbox.onChange, outbox.get);
  const { returns } = useConnection();
  const [replyTo, setReplyTo] = useState<Quoted | null>(null);
  const [editing, setEditing] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    void store.open(target);
  }, [store, target]);
  useEffect(() => () => store.pause(), [store]);
  useEffect(() => {
    // The first page could not be read before: the server is there again.
    if (store.get().begin === null) void store.open(target);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only when the connection returns
  }, [returns]);

  const later = useRef<ReturnType<typeof setTimeout>>(undefined);
  const readAgainSoon = (): void => {
    clearTimeout(later.current);
    later.current = setTimeout(again, 300);
  };
  const ended = useLive({
    query: ConversationLive,
    variables: state.begin === null ? null : { id, after: state.begin },
    about: id,
    onEvent: ({ conversationEvents: event }) => {
      store.take(event);
      const kind = event.__typename;
      if (kind === 'MemberJoined' || kind === 'MemberLeft' || kind === 'OwnerChanged') readAgainSoon();
    },
    onExpired: () => {
      store.pause();
      void store.open(null);
    },
  });
  useLive({ query: PresenceOfMembers, variables: { id }, about: id });

  const { history } = state;
  useEffect(() => {
    if (outgoing.length === 0) return;
    const arrived = new Set(history.messages.map(({ clientId }) => clientId));
    for (const { clientId } of outgoing) if (arrived.has(clientId)) outbox.arrived(clientId);
  }, [history.messages, outgoing, outbox]);

  const rows = useMemo(
    () =>
      rowsOf({
        messages: history.messages,
        hasOlder: history.hasOlder,
        outgoing,
        viewerId: owner,
        unreadAfter: state.unreadAfter,
      }),
    [history.messages, history.hasOlder, outgoing, owner, state.unreadAfter],
  );

  const readSeq = useRef(0);
  const markedUnread = useRef(isMarkedUnread);
  const onSeen = useCallback(
    (message: ShownMessage) => {
      if (isRequest) return;
      if (message.seq <= Math.max(readSeq.current, conversation.lastReadSeq ?? 0) && !markedUnread.current) return;
      readSeq.current = message.seq;
      markedUnread.current = false;
      void client.mutation(ReadUpTo, { input: { conversationId: id, cursor: message.cursor } }).toPromise();
    },
    [client, id, isRequest, conversation.lastReadSeq],
  );
  const onReply = useCallback((message: ShownMessage) => {
    setReplyTo(message);
    field.current?.focus();
  }, []);
  const onEdit = useCallback((messageId: string | null) => {
    setEditing(messageId);
    if (messageId === null) field.current?.focus();
  }, []);
  const editLast = (): void => {
    const last = history.messages.findLast(({ author, viewerCanEdit }) => author.id === owner && viewerCanEdit);
    if (last) setEditing(last.id);
  };
  const openPanel = (): void => {
    const next = new URLSearchParams(parameters);
    if (next.get('panel') === 'members') next.delete('panel');
    else next.set('panel', 'members');
    navigate(`${location}${next.size === 0 ? '' : `?${next.toString()}`}`, { replace: true });
  };

  const toRequests = (): void => navigate(addressOf('requests'));
  const isRevoked = ended?.code === 'ACCESS_REVOKED' || ended?.code === 'FORBIDDEN' || ended?.code === 'NOT_FOUND';
  const name = nameOf(conversation, t);
  const retry = (): void => void store.open(target);
  return (
    <div className={styles.pane}>
      <Head conversation={conversation} onMembers={openPanel} onDeclined={toRequests} />
      {state.failure && state.history.messages.length === 0 ? (
        <div className={styles.notice}>
          <ErrorNotice failure={state.failure} onRetry={retry} />
        </div>
      ) : state.status === 'loading' ? (
        <div className={styles.loading}>
          <Skeleton lines={8} />
        </div>
      ) : (
        <MessageList
          rows={rows}
          state={state}
          store={store}
          outbox={outbox}
          conversation={conversation}
          owner={owner}
          editing={editing}
          onEdit={onEdit}
          onReply={onReply}
          onSeen={onSeen}
        />
      )}
      <TypingLine id={id} />
      {isRevoked ? (
        <p className={styles.closed} role="status">
          {t('revoked')}
        </p>
      ) : peer?.isDeleted ? (
        <p className={styles.closed}>{t('peerGone')}</p>
      ) : peer?.viewerBlocks ? (
        <p className={styles.closed}>{t('blocked', { name: peer.displayName })}</p>
      ) : (
        <>
          {isRequest && <RequestBar id={id} name={name} onDeclined={toRequests} />}
          {awaitsAcceptance && <p className={styles.awaits}>{t('awaits', { name })}</p>}
          <Composer
            ref={field}
            conversation={conversation}
            name={name}
            owner={owner}
            replyTo={replyTo}
            onNoReply={() => setReplyTo(null)}
            onSend={(body) => {
              outbox.send(body, replyTo);
              setReplyTo(null);
              if (history.hasNewer) void store.open(null);
            }}
            onEditLast={editLast}
          />
        </>
      )}
    </div>
  );
};

/** A conversation: what was said, who is there, and where one writes. */
export const ConversationPane = ({ id, owner }: { readonly id: string; readonly owner: string }) => {
  const [{ data, error, fetching }, again] = useQuery({ query: OpenConversation, variables: { id } });
  const readAgain = useCallback(() => again({ requestPolicy: 'network-only' }), [again]);
  const conversation = data?.conversation;
  const failure = failureOf(error);
  if (conversation && conversation.lastReadSeq !== null) return <Opened conversation={conversation} owner={owner} again={readAgain} />;
  if (fetching)
    return (
      <div className={styles.loading}>
        <Skeleton lines={8} />
      </div>
    );
  if (failure && !['NOT_FOUND', 'FORBIDDEN', 'BAD_USER_INPUT'].includes(failure.code))
    return (
      <div className={styles.notice}>
        <ErrorNotice failure={failure} onRetry={readAgain} />
      </div>
    );
  return <Gone />;
};
