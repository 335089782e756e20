import type { Cache } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { putFirst, removeNode } from './lists.js';

interface InboxChanged {
  readonly inboxChanged: {
    readonly kind: string;
    readonly conversationId: string | null;
    /** As much of it as says in which lists it stands. */
    readonly conversation: {
      readonly id: string;
      readonly kind?: string;
      readonly isArchived?: boolean;
      readonly isPinned?: boolean;
      readonly isMuted?: boolean;
    } | null;
  };
}

type Begun = Readonly<Record<string, { readonly conversation: { readonly id: string } } | null>>;

interface Filter {
  readonly isArchived?: boolean | null;
  readonly isPinned?: boolean | null;
  readonly isMuted?: boolean | null;
  readonly isRequest?: boolean | null;
  readonly kind?: string | null;
}

const listOf = (cache: Cache) => {
  const me = cache.resolve('Query', 'me');
  return typeof me === 'string' ? { owner: me, field: 'conversations' } : null;
};

const filterOf = (args: Readonly<Record<string, unknown>>): Filter => (args['filter'] as Filter | null | undefined) ?? {};

const isFree = (wanted: unknown, is: unknown): boolean => wanted === null || wanted === undefined || is === undefined || wanted === is;

/** The kinds of event that move a conversation to the start of its lists. */
const MOVING = ['CONVERSATION_ADDED', 'MESSAGE', 'REQUEST'];

const beginsConversation = (field: string) =>
  update<Begun>((result, _args, cache) => {
    const list = listOf(cache);
    const conversation = result[field]?.conversation;
    if (!list || !conversation) return;
    const isHere = (args: Readonly<Record<string, unknown>>): boolean =>
      !Object.values(filterOf(args)).some((value) => value !== null && value !== undefined && value !== false);
    putFirst(cache, { ...list, when: isHere }, { __typename: 'Conversation', id: conversation.id });
  });

/** The viewer's list of conversations: what happens in one moves it to the start, where it belongs there. */
export const inboxInCache: AreaOfCache = {
  updates: {
    Subscription: {
      inboxChanged: update<InboxChanged>(({ inboxChanged: { kind, conversationId, conversation } }, _args, cache) => {
        const list = listOf(cache);
        if (!list || conversationId === null) return;
        const node = { __typename: 'Conversation', id: conversationId };
        if (kind === 'CONVERSATION_REMOVED' || conversation === null) return removeNode(cache, list, node);
        const isOf = (args: Readonly<Record<string, unknown>>): boolean => {
          const filter = filterOf(args);
          return (
            (filter.isArchived ?? false) === (conversation.isArchived ?? false) &&
            (kind === 'REQUEST') === (filter.isRequest ?? false) &&
            isFree(filter.isPinned, conversation.isPinned) &&
            isFree(filter.isMuted, conversation.isMuted) &&
            isFree(filter.kind, conversation.kind)
          );
        };
        removeNode(cache, { ...list, when: (args) => !isOf(args) && (kind !== 'MESSAGE' || filterOf(args).isRequest !== true) }, node);
        if (MOVING.includes(kind) || kind === 'CONVERSATION_CHANGED') putFirst(cache, { ...list, when: isOf }, node);
      }),
    },
    Mutation: {
      startDirect: beginsConversation('startDirect'),
      createGroup: beginsConversation('createGroup'),
      createRoom: beginsConversation('createRoom'),
      joinRoom: beginsConversation('joinRoom'),
      leaveConversation: update<{ readonly leaveConversation: { readonly conversationId: string } | null }>(
        ({ leaveConversation }, _args, cache) => {
          const list = listOf(cache);
          if (list && leaveConversation) removeNode(cache, list, { __typename: 'Conversation', id: leaveConversation.conversationId });
        },
      ),
    },
  },
};
