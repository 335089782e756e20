import type { MessageRowFragment } from '../../gql/graphql.js';

/** A message as the pages of a conversation show it. */
export type ShownMessage = MessageRowFragment;

/**
 * The part of a conversation's history that has been read: a window without a hole. It is no list of the cache, which would read all of it anew
 * for each event: that is too slow for a thousand messages and a busy room.
 */
export interface History {
  /** In the order of `seq`. */
  readonly messages: readonly ShownMessage[];
  readonly hasOlder: boolean;
  /** Whether there are messages behind the window: then new ones are only counted. */
  readonly hasNewer: boolean;
  /** How many messages have come behind the window since it was opened. */
  readonly missed: number;
  /** The `seq` of the latest message that is known of, in the window or behind it. */
  readonly latestSeq: number;
}

export const EMPTY: History = { messages: [], hasOlder: false, hasNewer: false, missed: 0, latestSeq: 0 };

const lastSeq = (messages: readonly ShownMessage[]): number => messages.at(-1)?.seq ?? 0;

/** Both, in order, each message once: what is in `fresh` takes the place of what was there. */
export const united = (present: readonly ShownMessage[], fresh: readonly ShownMessage[]): readonly ShownMessage[] => {
  if (fresh.length === 0) return present;
  const [first] = fresh;
  // Nearly always a page or an event belongs wholly behind or before what is there.
  if (first && first.seq > lastSeq(present)) return [...present, ...fresh];
  const byId = new Map([...present, ...fresh].map((message) => [message.id, message]));
  return [...byId.values()].sort((one, other) => one.seq - other.seq);
};

export const withOlder = (history: History, page: readonly ShownMessage[], hasOlder: boolean): History => ({
  ...history,
  messages: united(page, history.messages),
  hasOlder,
});

/**
 * @param hasNewer whether there was more when the page was read. An event may have told of a message that was sent after that and is in no page: then
 *   there is more.
 */
export const withNewer = (history: History, page: readonly ShownMessage[], hasNewer: boolean): History => {
  const messages = united(history.messages, page);
  const isBehind = hasNewer || lastSeq(messages) < history.latestSeq;
  return { ...history, messages, hasNewer: isBehind, missed: isBehind ? history.missed : 0 };
};

/** A message that was sent; behind a window that does not reach the end it is only counted. */
export const withAdded = (history: History, message: ShownMessage): History => {
  const latestSeq = Math.max(history.latestSeq, message.seq);
  if (history.messages.some(({ id }) => id === message.id)) return { ...withChanged(history, message), latestSeq };
  return history.hasNewer && message.seq > lastSeq(history.messages)
    ? { ...history, latestSeq, missed: history.missed + 1 }
    : { ...history, latestSeq, messages: united(history.messages, [message]) };
};

/** A message that is other than it was, and the answers that quote it. */
export const withChanged = (history: History, message: ShownMessage): History => {
  const { id, body, deletedAt } = message;
  const isConcerned = (each: ShownMessage): boolean => each.id === id || each.replyTo?.id === id;
  if (!history.messages.some(isConcerned)) return history;
  return {
    ...history,
    messages: history.messages.map((each) => {
      if (each.id === id) return message;
      return each.replyTo?.id === id ? { ...each, replyTo: { ...each.replyTo, body, deletedAt } } : each;
    }),
  };
};

/** As many messages as are kept beside an end that is looked at, and from how many on the others are let go. */
const KEPT = 300;
const TOO_MANY = 600;

/** Lets go of the oldest messages of a long window whose end is looked at. */
export const withoutStart = (history: History): History =>
  history.messages.length > TOO_MANY ? { ...history, messages: history.messages.slice(-KEPT), hasOlder: true } : history;

/**
 * Lets go of the newest messages of a long window whose start is looked at.
 * @param isFresh of those that nobody has looked at yet: they are counted as all that comes behind the window
 */
export const withoutEnd = (history: History, isFresh: (message: ShownMessage) => boolean): History => {
  const { messages, missed } = history;
  if (messages.length <= TOO_MANY) return history;
  const missedHere = messages.slice(KEPT).filter(isFresh).length;
  return { ...history, messages: messages.slice(0, KEPT), hasNewer: true, missed: missed + missedHere };
};
