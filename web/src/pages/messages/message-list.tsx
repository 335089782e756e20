import { ArrowDown } from 'lucide-react';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { Button } from '../../design/button.js';
import { classNames } from '../../design/class-names.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import type { HistoryState, HistoryStore } from './history-store.js';
import type { ShownMessage } from './history.js';
import { membersOf, type Opened } from './members.js';
import { MessageItem, OpenedConversation, OutgoingItem } from './message-item.js';
import { messagesTexts } from './messages-texts.js';
import { oneLine } from './names.js';
import type { Outbox } from './outbox.js';
import { isMovedAtStart, type Row } from './rows.js';
import styles from './message-list.module.css';

interface MessageListProps {
  readonly rows: readonly Row[];
  readonly state: HistoryState;
  readonly store: HistoryStore;
  readonly outbox: Outbox;
  readonly conversation: Opened;
  readonly owner: string;
  /** The id of the message that is being edited. */
  readonly editing: string | null;
  readonly onEdit: (messageId: string | null) => void;
  readonly onReply: (message: ShownMessage) => void;
  /** A message, and with it all before it, has been on the screen for a moment. */
  readonly onSeen: (message: ShownMessage) => void;
}

/** How near an end is when more is read, and when it counts as reached, in pixels. */
const NEAR_PX = 1_000;
const AT_END_PX = 40;
/** How long a message is on the screen until it counts as seen, in milliseconds. */
const SEEN_MS = 300;

const DayLine = ({ at }: { readonly at: string }) => {
  const t = useTexts(messagesTexts);
  const { date } = useFormats();
  const time = new Date(at);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86_400_000);
  return (
    <div className={styles.day}>
      <time dateTime={at}>{days === 0 ? t('today') : days === 1 ? t('yesterday') : date(time)}</time>
    </div>
  );
};

/** Who has read up to the latest message of the viewer. */
const Readers = ({
  conversation,
  owner,
  seq,
}: {
  readonly conversation: MessageListProps['conversation'];
  readonly owner: string;
  readonly seq: number;
}) => {
  const t = useTexts(messagesTexts);
  const readers = membersOf(conversation).filter(({ user, lastReadSeq }) => user.id !== owner && (lastReadSeq ?? 0) >= seq);
  if (readers.length === 0) return null;
  return (
    <p className={styles.readers} title={readers.map(({ user }) => user.displayName).join(', ')}>
      {conversation.kind === 'DIRECT' ? t('seen') : t('seenBy', { count: readers.length })}
    </p>
  );
};

export const MessageList = ({ rows, state, store, outbox, conversation, owner, editing, onEdit, onReply, onSeen }: MessageListProps) => {
  const t = useTexts(messagesTexts);
  const { number } = useFormats();
  const { history, opening, target } = state;
  const list = useRef<VirtualizerHandle>(null);
  const place = useRef<HTMLDivElement>(null);
  const [{ shown, shift }, setShown] = useState({ shown: rows, shift: false });
  // Only in the render in which rows come or go at the start: else the list would move by what was added at its end.
  if (shown !== rows) setShown({ shown: rows, shift: isMovedAtStart(shown, rows) });

  /** Whether the end is on the screen, and stays there when something comes. */
  const [isAtEnd, setAtEnd] = useState(true);
  const sticks = useRef(true);
  /** The latest message when the end was last on the screen. */
  const [endSeq, setEndSeq] = useState(0);
  const [active, setActive] = useState<string | null>(null);
  const latest = useRef({ rows, history, endSeq });
  useLayoutEffect(() => {
    latest.current = { rows, history, endSeq };
  });

  const toEnd = useCallback(() => {
    sticks.current = true;
    list.current?.scrollToIndex(latest.current.rows.length - 1, { align: 'end' });
  }, []);

  const seen = useRef<ReturnType<typeof setTimeout>>(undefined);
  const noteSeen = useCallback(() => {
    clearTimeout(seen.current);
    seen.current = setTimeout(() => {
      const { current } = list;
      if (!current || document.visibilityState !== 'visible') return;
      const bottom = current.scrollOffset + current.viewportSize + AT_END_PX;
      for (let index = current.findItemIndex(bottom); index >= 0; index -= 1) {
        const row = latest.current.rows[index];
        if (row?.kind !== 'message' || current.getItemOffset(index) + current.getItemSize(index) > bottom) continue;
        onSeen(row.message);
        return;
      }
    }, SEEN_MS);
  }, [onSeen]);
  useEffect(() => {
    document.addEventListener('visibilitychange', noteSeen);
    return () => {
      clearTimeout(seen.current);
      document.removeEventListener('visibilitychange', noteSeen);
    };
  }, [noteSeen]);

  const lastOffset = useRef(0);
  const look = useCallback(() => {
    const { current } = list;
    if (!current) return;
    const { scrollOffset, scrollSize, viewportSize } = current;
    const below = scrollSize - scrollOffset - viewportSize;
    // Only somebody who scrolls up leaves the end: what grows below it does not.
    if (below <= AT_END_PX) sticks.current = true;
    else if (scrollOffset < lastOffset.current - 1) sticks.current = false;
    lastOffset.current = scrollOffset;
    const { history: window } = latest.current;
    const atEnd = sticks.current && !window.hasNewer;
    setAtEnd(atEnd);
    if (atEnd) setEndSeq(window.messages.at(-1)?.seq ?? 0);
    const isFresh = ({ seq, author }: ShownMessage): boolean => seq > latest.current.endSeq && author.id !== owner;
    if (scrollOffset < NEAR_PX) {
      // While a long list is measured anew its end may seem to be near its start.
      if (!sticks.current) store.trim('start', isFresh);
      void store.older();
    }
    if (below < NEAR_PX) {
      store.trim('end', isFresh);
      void store.newer();
    }
    noteSeen();
  }, [store, owner, noteSeen]);

  const opened = useRef(-1);
  const lastKey = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    const end = rows.at(-1);
    const isOwnNew = end?.kind === 'outgoing' && end.key !== lastKey.current;
    lastKey.current = end?.key;
    if (opened.current !== opening) {
      opened.current = opening;
      const index =
        target === null
          ? rows.findIndex(({ kind }) => kind === 'unread')
          : rows.findIndex((row) => row.kind === 'message' && row.message.id === target);
      sticks.current = index < 0;
      if (index < 0) toEnd();
      else list.current?.scrollToIndex(index, { align: target === null ? 'start' : 'center' });
    } else if (sticks.current || isOwnNew) toEnd();
    look();
  }, [rows, opening, target, toEnd, look]);

  /** Not shown before the rows have their heights: until then they stand where they are guessed to. */
  const [isPlaced, setPlaced] = useState(false);
  useEffect(() => {
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => setPlaced(true));
    });
    return () => cancelAnimationFrame(frame);
  }, []);

  const grown = useCallback(() => {
    setPlaced(true);
    if (sticks.current) list.current?.scrollToIndex(latest.current.rows.length - 1, { align: 'end' });
    look();
  }, [look]);

  const focusRow = (key: string): void => {
    setActive(key);
    const index = rows.findIndex((row) => row.key === key);
    list.current?.scrollToIndex(index, { align: 'nearest' });
    requestAnimationFrame(() =>
      place.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`)?.focus({ preventScroll: true }),
    );
  };
  const byKey = (event: KeyboardEvent<HTMLDivElement>): void => {
    const from = (event.target as HTMLElement).dataset['row'];
    if (from === undefined || !['ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key)) return;
    event.preventDefault();
    const messages = rows.filter(({ kind }) => kind === 'message');
    const index = messages.findIndex(({ key }) => key === from);
    const to =
      event.key === 'Home' ? messages[0] : event.key === 'End' ? messages.at(-1) : messages[index + (event.key === 'ArrowUp' ? -1 : 1)];
    if (to) focusRow(to.key);
  };

  const fresh = history.missed + history.messages.filter(({ seq, author }) => seq > endSeq && author.id !== owner).length;
  const lastMessage = history.messages.at(-1);
  const lastOwn = lastMessage?.author.id === owner ? lastMessage : undefined;
  const tabbable =
    active !== null && rows.some(({ key }) => key === active) ? active : (rows.findLast(({ kind }) => kind === 'message')?.key ?? null);
  const announced = lastMessage && lastMessage.author.id !== owner && lastMessage.deletedAt === null ? lastMessage : null;

  const render = (row: Row) => {
    switch (row.kind) {
      case 'start':
        return <p className={styles.start}>{t('beginning')}</p>;
      case 'day':
        return <DayLine at={row.at} />;
      case 'unread':
        return (
          <p className={styles.unread}>
            <span>{t('unreadLine')}</span>
          </p>
        );
      case 'outgoing':
        return <OutgoingItem item={row.item} isFirst={row.isFirst} outbox={outbox} />;
      case 'message':
        return (
          <>
            <MessageItem
              message={row.message}
              rowKey={row.key}
              isFirst={row.isFirst}
              isActive={row.key === active}
              isTabbable={row.key === tabbable}
              isTarget={row.message.id === target}
              isEditing={row.message.id === editing}
              conversationId={conversation.id}
              store={store}
              onActive={setActive}
              onEdit={onEdit}
              onReply={onReply}
            />
            {row.message === lastOwn && <Readers conversation={conversation} owner={owner} seq={row.message.seq} />}
          </>
        );
    }
  };

  return (
    <div className={styles.frame}>
      <div
        ref={place}
        className={classNames(styles.scroller, !isPlaced && styles.unplaced)}
        role="list"
        aria-label={t('history')}
        data-testid="history"
        onKeyDown={byKey}
      >
        <div className={styles.spacer} />
        <OpenedConversation value={conversation}>
          <Virtualizer ref={list} shift={shift} onScroll={look} onResize={grown} bufferSize={400}>
            {shown.map((row) => (
              <div key={row.key} role="listitem">
                {render(row)}
              </div>
            ))}
          </Virtualizer>
        </OpenedConversation>
      </div>
      {state.failure && (
        <div className={styles.failure}>
          <ErrorNotice failure={state.failure} onRetry={look} />
        </div>
      )}
      {!isAtEnd && (
        <Button
          className={styles.toEnd}
          onClick={() => {
            if (history.hasNewer) void store.open(null);
            else toEnd();
          }}
        >
          <ArrowDown size={16} aria-hidden="true" />
          {fresh > 0 ? t('newMessages', { count: fresh }) : t('toEnd')}
        </Button>
      )}
      <p className="visually-hidden" role="status" data-count={number(fresh)}>
        {announced && opening > 0 && announced.seq > endSeq - 1
          ? t('newFrom', { name: announced.author.displayName, text: oneLine(announced.body) })
          : ''}
      </p>
    </div>
  );
};
