import type { ShownMessage } from './history.js';
import type { Outgoing } from './outbox.js';

/** What stands in a history, from above to below. */
export type Row =
  | { readonly kind: 'start'; readonly key: 'start' }
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'unread'; readonly key: 'unread' }
  | { readonly kind: 'message'; readonly key: string; readonly message: ShownMessage; readonly isFirst: boolean }
  | { readonly kind: 'outgoing'; readonly key: string; readonly item: Outgoing; readonly isFirst: boolean };

interface RowsOf {
  readonly messages: readonly ShownMessage[];
  readonly hasOlder: boolean;
  readonly outgoing: readonly Outgoing[];
  readonly viewerId: string | null;
  readonly unreadAfter: number | null;
}

/** Within it somebody's next message has neither name nor time, in milliseconds. */
const TOGETHER_MS = 5 * 60_000;

const dayOf = (at: string): string => new Date(at).toDateString();

/** A message that the viewer has sent has the key under which it was sent, so that it stays the same element. */
const keyOf = (message: ShownMessage, viewerId: string | null): string =>
  message.clientId !== null && message.author.id === viewerId ? message.clientId : message.id;

export const rowsOf = ({ messages, hasOlder, outgoing, viewerId, unreadAfter }: RowsOf): readonly Row[] => {
  const rows: Row[] = [];
  let last: { readonly authorId: string | null; readonly at: string } | null = null;
  // Of a window that begins behind it the line stands further above.
  let isUnreadShown = unreadAfter === null || (hasOlder && (messages[0]?.seq ?? 0) > unreadAfter);
  const place = (authorId: string | null, at: string): boolean => {
    const isNewDay: boolean = last === null || dayOf(last.at) !== dayOf(at);
    if (isNewDay) rows.push({ kind: 'day', key: `day ${dayOf(at)}`, at });
    const isFirst: boolean = isNewDay || last?.authorId !== authorId || new Date(at).getTime() - new Date(last.at).getTime() > TOGETHER_MS;
    last = { authorId, at };
    return isFirst;
  };
  if (!hasOlder) rows.push({ kind: 'start', key: 'start' });
  for (const [index, message] of messages.entries()) {
    // How the oldest is shown depends on what is before it: it waits for that, so that nothing that is read changes its height.
    if (index === 0 && hasOlder) {
      last = { authorId: message.author.id, at: message.createdAt };
      continue;
    }
    let isFirst = place(message.author.id, message.createdAt);
    if (!isUnreadShown && message.seq > (unreadAfter ?? 0) && message.author.id !== viewerId) {
      rows.push({ kind: 'unread', key: 'unread' });
      isUnreadShown = true;
      isFirst = true;
    }
    rows.push({ kind: 'message', key: keyOf(message, viewerId), message, isFirst: isFirst || message.replyTo !== null });
  }
  const arrived = new Set(outgoing.length === 0 ? [] : messages.map(({ clientId }) => clientId));
  for (const item of outgoing)
    if (!arrived.has(item.clientId))
      rows.push({ kind: 'outgoing', key: item.clientId, item, isFirst: place(viewerId, item.at) || item.replyTo !== null });
  return rows;
};

/** Whether rows were added or taken away at the start alone: then what is read must stay where it is. */
export const isMovedAtStart = (before: readonly Row[], now: readonly Row[]): boolean =>
  before.length > 0 && before.length !== now.length && before[0]?.key !== now[0]?.key && before.at(-1)?.key === now.at(-1)?.key;
