import type { Client, CombinedError } from 'urql';
import { besideCache } from '../../api/api.js';
import { failureOf, type Failure } from '../../api/failure.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { ConversationLiveSubscription } from '../../gql/graphql.js';
import {
  EMPTY,
  withAdded,
  withChanged,
  withNewer,
  withOlder,
  withoutEnd,
  withoutStart,
  type History,
  type ShownMessage,
} from './history.js';
import { HistoryAfter, HistoryBefore, MessageRow, PlaceOfMessage } from './operations.js';

export type ConversationEvent = ConversationLiveSubscription['conversationEvents'];

const PAGE = 50;
/** With more unread messages than this the history opens at the first of them and not at its end. */
const UNREAD_IN_PAGE = 40;
/** What comes alone is shown at once; what follows it within a moment, together when the moment is over. */
const MOMENT_MS = 50;

export interface HistoryState {
  readonly history: History;
  /** Where to follow the log from; null until a page is there that was read since it was opened. */
  readonly begin: string | null;
  readonly status: 'loading' | 'ready' | 'gone';
  /** What went wrong with the last page. */
  readonly failure: Failure | null;
  /** Where reading had come to when it was opened, if something was unread: the line stands behind it. */
  readonly unreadAfter: number | null;
  /** Counts openings, after each of which the place is chosen anew: the message that was asked for, the unread line or the end. */
  readonly opening: number;
  /** The message that it was opened at. */
  readonly target: string | null;
}

/** The history of one conversation, kept while others are looked at, so that coming back shows it at once. */
export interface HistoryStore {
  readonly get: () => HistoryState;
  readonly onChange: (listener: () => void) => () => void;
  /** Opens it at a message, or at its end (which is the first unread message where there are many). */
  readonly open: (messageId: string | null) => Promise<void>;
  readonly older: () => Promise<void>;
  readonly newer: () => Promise<void>;
  /** Takes in an event of the log. */
  readonly take: (event: ConversationEvent) => void;
  /** Takes in what an act of one's own has given. */
  readonly put: (message: ShownMessage) => void;
  /** One end of the window is looked at: what is far from it may go, and is read again when it is come back to. */
  readonly trim: (looked: 'start' | 'end', isFresh: (message: ShownMessage) => boolean) => void;
  /** It is not followed any more: opened again, its end is read anew. */
  readonly pause: () => void;
}

const START: HistoryState = {
  history: EMPTY,
  begin: null,
  status: 'loading',
  failure: null,
  unreadAfter: null,
  opening: 0,
  target: null,
};

const messagesOf = (nodes: readonly FragmentType<typeof MessageRow>[]): ShownMessage[] =>
  nodes.map((node) => readFragment(MessageRow, node));

const createHistoryStore = (client: Client, id: string): HistoryStore => {
  const asking = besideCache(client);
  let state = START;
  const listeners = new Set<() => void>();
  const become = (changes: Partial<HistoryState>): void => {
    state = { ...state, ...changes };
    for (const listener of [...listeners]) listener();
  };

  // A page that was read before an event and arrives after it has the message as it was before.
  let reading = 0;
  const meanwhile = new Map<string, ShownMessage>();
  const asNow = (page: readonly ShownMessage[]): ShownMessage[] => page.map((message) => meanwhile.get(message.id) ?? message);
  const read = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    reading += 1;
    try {
      return await work();
    } finally {
      reading -= 1;
      if (reading === 0) meanwhile.clear();
    }
  };

  const failed = (error: CombinedError | undefined): void => {
    const failure = failureOf(error);
    const isGone = failure === null || failure.code === 'NOT_FOUND' || failure.code === 'FORBIDDEN';
    become(state.status === 'ready' ? { failure } : isGone ? { status: 'gone', failure } : { failure });
  };

  const before = (cursor: string | null) => asking.query(HistoryBefore, { id, last: PAGE, before: cursor }).toPromise();
  const after = (cursor: string) => asking.query(HistoryAfter, { id, first: PAGE, after: cursor }).toPromise();

  const opened = (history: History, rest: Pick<HistoryState, 'unreadAfter' | 'target'>, cursor: string | null): void => {
    become({ history, status: 'ready', failure: null, begin: state.begin ?? cursor, opening: state.opening + 1, ...rest });
  };

  /** From a place on, with a page before it: how the first message is shown depends on the one before. */
  const openFrom = async (
    cursor: string,
    rest: Pick<HistoryState, 'unreadAfter' | 'target'>,
    first: readonly ShownMessage[],
  ): Promise<void> => {
    const { data, error } = await after(cursor);
    if (!data?.conversation?.messages) {
      failed(error);
      return;
    }
    const { messages, cursor: end } = data.conversation;
    const page = [...first, ...messagesOf(messages.nodes)];
    const above = await before(page[0]?.cursor ?? cursor);
    const older = above.data?.conversation?.messages;
    if (!older) {
      failed(above.error);
      return;
    }
    const history = withNewer({ ...EMPTY, latestSeq: state.history.latestSeq }, asNow(page), messages.pageInfo.hasNextPage);
    opened(withOlder(history, asNow(messagesOf(older.nodes)), older.pageInfo.hasPreviousPage), rest, end);
  };

  const openEnd = async (): Promise<void> => {
    const { data, error } = await before(null);
    if (!data?.conversation?.messages) {
      failed(error);
      return;
    }
    const { messages, cursor, unreadCount, lastReadSeq, lastReadCursor } = data.conversation;
    // Somebody who follows it has asked for the end itself.
    const unreadAfter = unreadCount > 0 && state.begin === null ? lastReadSeq : null;
    if (unreadCount > UNREAD_IN_PAGE && lastReadCursor !== null && state.begin === null) {
      await openFrom(lastReadCursor, { unreadAfter, target: null }, []);
      return;
    }
    const page = asNow(messagesOf(messages.nodes));
    const history = withNewer({ ...EMPTY, latestSeq: state.history.latestSeq }, page, false);
    opened({ ...history, hasOlder: messages.pageInfo.hasPreviousPage }, { unreadAfter, target: null }, cursor);
  };

  const openAt = async (messageId: string): Promise<void> => {
    if (state.begin !== null && state.history.messages.some((message) => message.id === messageId)) {
      become({ target: messageId, opening: state.opening + 1 });
      return;
    }
    const { data } = await asking.query(PlaceOfMessage, { id: messageId }).toPromise();
    const found = data?.node?.__typename === 'Message' && data.node.conversation.id === id ? readFragment(MessageRow, data.node) : null;
    await (found ? openFrom(found.cursor, { unreadAfter: state.unreadAfter, target: messageId }, [found]) : openEnd());
  };

  let isOlder = false;
  let isNewer = false;
  let queue: ConversationEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flushedAt = -Infinity;
  const flush = (): void => {
    timer = undefined;
    flushedAt = performance.now();
    const events = queue;
    queue = [];
    let { history } = state;
    for (const event of events) {
      if (!('message' in event)) continue;
      const message = readFragment(MessageRow, event.message);
      if (reading > 0) meanwhile.set(message.id, message);
      history = event.__typename === 'MessageAdded' ? withAdded(history, message) : withChanged(history, message);
    }
    if (history !== state.history) become({ history });
  };

  return {
    get: () => state,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    open: (messageId) => read(() => (messageId === null ? openEnd() : openAt(messageId))),
    older: async () => {
      const [first] = state.history.messages;
      if (isOlder || !state.history.hasOlder || !first) return;
      isOlder = true;
      await read(async () => {
        const { data, error } = await before(first.cursor);
        const messages = data?.conversation?.messages;
        if (!messages) {
          failed(error);
          return;
        }
        // Opened elsewhere meanwhile.
        if (state.history.messages[0]?.id !== first.id) return;
        become({ history: withOlder(state.history, asNow(messagesOf(messages.nodes)), messages.pageInfo.hasPreviousPage), failure: null });
      });
      isOlder = false;
    },
    newer: async () => {
      const last = state.history.messages.at(-1);
      if (isNewer || !state.history.hasNewer || !last) return;
      isNewer = true;
      await read(async () => {
        const { data, error } = await after(last.cursor);
        const messages = data?.conversation?.messages;
        if (!messages) {
          failed(error);
          return;
        }
        if (state.history.messages.at(-1)?.id !== last.id) return;
        become({ history: withNewer(state.history, asNow(messagesOf(messages.nodes)), messages.pageInfo.hasNextPage), failure: null });
      });
      isNewer = false;
    },
    take: (event) => {
      queue.push(event);
      if (timer !== undefined) return;
      const wait = flushedAt + MOMENT_MS - performance.now();
      // A timer of nothing would wait for all that the page has to do before it.
      if (wait <= 0) flush();
      else timer = setTimeout(flush, wait);
    },
    put: (message) => {
      if (reading > 0) meanwhile.set(message.id, message);
      become({ history: withAdded(state.history, message) });
    },
    trim: (looked, isFresh) => {
      const history = looked === 'end' ? withoutStart(state.history) : withoutEnd(state.history, isFresh);
      if (history !== state.history) become({ history });
    },
    pause: () => {
      clearTimeout(timer);
      flush();
      become({ begin: null, unreadAfter: null });
    },
  };
};

/** As many conversations are kept; the one that was left longest ago goes. */
const MAX_KEPT = 20;
const kept = new WeakMap<Client, Map<string, HistoryStore>>();

/** The history of a conversation, for whoever is signed in. */
export const historyOf = (client: Client, id: string): HistoryStore => {
  const stores = kept.get(client) ?? new Map<string, HistoryStore>();
  kept.set(client, stores);
  const store = stores.get(id) ?? createHistoryStore(client, id);
  stores.delete(id);
  stores.set(id, store);
  for (const [oldest] of stores) {
    if (stores.size <= MAX_KEPT) break;
    stores.delete(oldest);
  }
  return store;
};
