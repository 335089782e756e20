import type { Client } from 'urql';
import { failureOf, type Failure } from '../../api/failure.js';
import { tokens } from '../../api/session.js';
import { keptPlaces, keptText, onForgottenElsewhere } from '../../app/drafts.js';
import { readFragment } from '../../gql/fragment-masking.js';
import { historyOf } from './history-store.js';
import { MessageRow, SendMessage } from './operations.js';

/** What an answer quotes. */
export interface Quoted {
  readonly id: string;
  readonly body: string;
  readonly author: { readonly displayName: string; readonly isDeleted?: boolean };
}

/** A message that the server has not confirmed. */
export interface Outgoing {
  readonly clientId: string;
  readonly body: string;
  readonly replyTo: Quoted | null;
  /** When it was written, as ISO 8601. */
  readonly at: string;
  /** `waiting` is sent by itself as soon as the server can be reached, `failed` when somebody says so. */
  readonly state: 'sending' | 'waiting' | 'failed';
  readonly failure: Failure | null;
}

/** What was written in a conversation and is not known to have arrived. It outlives the page: all of it is kept in the browser. */
export interface Outbox {
  readonly get: () => readonly Outgoing[];
  readonly onChange: (listener: () => void) => () => void;
  readonly send: (body: string, replyTo: Quoted | null) => void;
  /** Sends it again under the same `clientId`, so that it never stands twice. */
  readonly retry: (clientId: string) => void;
  readonly discard: (clientId: string) => void;
  /** The event of a message with this `clientId` has come. */
  readonly arrived: (clientId: string) => void;
}

/** How often what waits is tried again while the browser says that there is a network, in milliseconds. */
const RETRY_MS = 3_000;

type Kept = Pick<Outgoing, 'clientId' | 'body' | 'replyTo' | 'at'>;

/** The places of what waits: each message of a conversation has its own. */
const WITHIN = 'outbox ';
const within = (conversationId: string): string => `${WITHIN}${conversationId} `;

const keptIn = (owner: string, conversationId: string): Outgoing[] =>
  keptPlaces(owner, within(conversationId))
    .flatMap((place): Outgoing[] => {
      try {
        const item = JSON.parse(keptText(owner, place).read() ?? '') as Kept;
        // Whether it has arrived is not known: sent again, it still arrives once.
        return [{ ...item, state: 'waiting', failure: null }];
      } catch {
        return [];
      }
    })
    .sort((one, other) => (one.at < other.at ? -1 : 1));

const createOutbox = (client: Client, owner: string, conversationId: string): Outbox => {
  const mine = within(conversationId);
  let items = keptIn(owner, conversationId);
  let busy = false;
  const listeners = new Set<() => void>();
  const become = (next: Outgoing[]): void => {
    items = next;
    for (const listener of [...listeners]) listener();
  };
  const change = (clientId: string, changes: Partial<Outgoing>): void =>
    become(items.map((item) => (item.clientId === clientId ? { ...item, ...changes } : item)));
  const remove = (clientId: string): void => {
    keptText(owner, mine + clientId).forget();
    if (items.some((item) => item.clientId === clientId)) become(items.filter((item) => item.clientId !== clientId));
  };

  /** One after another, so that they stand in the order in which they were written. */
  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (;;) {
      const next = items.find(({ state }) => state === 'sending');
      if (!next || tokens.owner() !== owner) break;
      const { clientId, body, replyTo } = next;
      const input = { conversationId, clientId, body, replyToId: replyTo?.id ?? null };
      const { data, error } = await client.mutation(SendMessage, { input }).toPromise();
      if (data?.sendMessage) {
        historyOf(client, conversationId).put(readFragment(MessageRow, data.sendMessage.message));
        remove(clientId);
        continue;
      }
      const failure = failureOf(error);
      if (failure?.code === 'OFFLINE') {
        // What was written after it waits behind it.
        become(items.map((item) => (item.state === 'sending' ? { ...item, state: 'waiting' } : item)));
        wait();
        break;
      }
      change(clientId, { state: 'failed', failure });
    }
    busy = false;
  };

  let timer: ReturnType<typeof setInterval> | undefined;
  const goOn = (): void => {
    // Somebody else may have signed in since: nothing is sent in their name.
    if (!items.some(({ state }) => state === 'waiting') || tokens.owner() !== owner) return clearInterval(timer);
    become(items.map((item) => (item.state === 'waiting' ? { ...item, state: 'sending' } : item)));
    void work();
  };
  const wait = (): void => {
    clearInterval(timer);
    timer = setInterval(() => {
      if (navigator.onLine) goOn();
    }, RETRY_MS);
  };
  addEventListener('online', goOn);
  // Sent or thrown away in another tab.
  onForgottenElsewhere(owner, (place) => {
    if (place.startsWith(mine)) remove(place.slice(mine.length));
  });
  if (items.length > 0) queueMicrotask(goOn);

  return {
    get: () => items,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    send: (body, replyTo) => {
      const item: Kept = { clientId: crypto.randomUUID(), body, replyTo, at: new Date().toISOString() };
      keptText(owner, mine + item.clientId).keep(JSON.stringify(item));
      become([...items, { ...item, state: 'sending', failure: null }]);
      void work();
    },
    retry: (clientId) => {
      change(clientId, { state: 'sending', failure: null });
      void work();
    },
    discard: remove,
    arrived: remove,
  };
};

const outboxes = new WeakMap<Client, Map<string, Outbox>>();

/** What somebody has written in a conversation and is not known to have arrived. */
export const outboxOf = (client: Client, owner: string, conversationId: string): Outbox => {
  const of = outboxes.get(client) ?? new Map<string, Outbox>();
  outboxes.set(client, of);
  const outbox = of.get(conversationId) ?? createOutbox(client, owner, conversationId);
  of.set(conversationId, outbox);
  return outbox;
};

/** Goes on with whatever was written before the page was loaded, in whichever conversation. */
export const resumeOutboxes = (client: Client, owner: string): void => {
  const conversations = keptPlaces(owner, WITHIN).map((place) => place.slice(WITHIN.length, place.lastIndexOf(' ')));
  for (const id of new Set(conversations)) outboxOf(client, owner, id);
};
