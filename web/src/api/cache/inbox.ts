import type { Cache, Variables } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { putFirst, removeNode } from './lists.js';

interface InboxChanged {
  readonly inboxChanged: {
    readonly kind: string;
    readonly conversationId: string | null;
    readonly conversation: { readonly id: string } | null;
  };
}

type OfConversation = Readonly<Record<string, { readonly conversation: { readonly id: string } } | null>>;

interface Filter {
  readonly isArchived?: boolean | null;
  readonly isRequest?: boolean | null;
  readonly isPinned?: boolean | null;
  readonly isMuted?: boolean | null;
  readonly kind?: string | null;
}

const listOf = (cache: Cache) => {
  const me = cache.resolve('Query', 'me');
  return typeof me === 'string' ? { owner: me, field: 'conversations' } : null;
};

const conversationOf = (id: string) => ({ __typename: 'Conversation', id }) as const;

/** Whether a conversation belongs in the list that was asked for by these arguments. What is not known of it is as it is of one that was just begun. */
const belongs =
  (cache: Cache, id: string) =>
  (args: Variables): boolean => {
    const wanted = (args['filter'] ?? {}) as Filter;
    const is = (name: string): boolean => cache.resolve(conversationOf(id), name) === true;
    const kind = cache.resolve(conversationOf(id), 'kind');
    return (
      is('isArchived') === (wanted.isArchived ?? false) &&
      is('isRequest') === (wanted.isRequest ?? false) &&
      is('isPinned') === (wanted.isPinned ?? is('isPinned')) &&
      is('isMuted') === (wanted.isMuted ?? is('isMuted')) &&
      kind === (wanted.kind ?? kind)
    );
  };

const takeOut = (cache: Cache, id: string): void => {
  const list = listOf(cache);
  if (list) removeNode(cache, list, conversationOf(id));
};

/** Puts a conversation into the lists in which it belongs as it is now, at their start, and takes it out of the others. */
const file = (cache: Cache, id: string): void => {
  const list = listOf(cache);
  if (!list) return;
  takeOut(cache, id);
  putFirst(cache, { ...list, when: belongs(cache, id) }, conversationOf(id));
};

/** What was begun, joined, or is kept in another way now. */
const files = (field: string) =>
  update<OfConversation>((result, _args, cache) => {
    const conversation = result[field]?.conversation;
    if (conversation) file(cache, conversation.id);
  });

const FILED = [
  'startDirect',
  'createGroup',
  'createRoom',
  'joinRoom',
  'archiveConversation',
  'unarchiveConversation',
  'muteConversation',
  'unmuteConversation',
  'pinConversation',
  'unpinConversation',
  'acceptRequest',
];

/** What an act makes of a conversation, before the answer to it comes. */
const becomes =
  (payload: string, changes: (input: Readonly<Record<string, unknown>>) => Readonly<Record<string, boolean | string | null>>) =>
  ({ input }: Variables) => {
    const given = input as { readonly conversationId: string } & Readonly<Record<string, unknown>>;
    return { __typename: payload, conversation: { ...conversationOf(given.conversationId), ...changes(given) } };
  };

/** The viewer's lists of conversations: what happens in one moves it to the start, and each stands where the viewer keeps it. */
export const inboxInCache: AreaOfCache = {
  optimistic: {
    archiveConversation: becomes('ArchiveConversationPayload', () => ({ isArchived: true })),
    unarchiveConversation: becomes('UnarchiveConversationPayload', () => ({ isArchived: false })),
    muteConversation: becomes('MuteConversationPayload', ({ until }) => ({
      isMuted: true,
      mutedUntil: (until as string | undefined) ?? null,
    })),
    unmuteConversation: becomes('UnmuteConversationPayload', () => ({ isMuted: false, mutedUntil: null })),
    pinConversation: becomes('PinConversationPayload', () => ({ isPinned: true, pinnedAt: new Date().toISOString() })),
    unpinConversation: becomes('UnpinConversationPayload', () => ({ isPinned: false, pinnedAt: null })),
    markUnread: becomes('MarkUnreadPayload', () => ({ isMarkedUnread: true })),
    acceptRequest: becomes('AcceptRequestPayload', () => ({ isRequest: false })),
  },
  updates: {
    Subscription: {
      // The history keeps its messages itself. What nothing has ever linked to the cache never lets go: so the last one is linked, until the next.
      conversationEvents: update<{ readonly conversationEvents: { readonly message?: { readonly id: string } } }>(
        ({ conversationEvents: { message } }, _args, cache) => {
          if (message) cache.link('Query', 'messageOfLog', { __typename: 'Message', id: message.id });
        },
      ),
      inboxChanged: update<InboxChanged>(({ inboxChanged: { kind, conversationId, conversation } }, _args, cache) => {
        if (conversationId === null) return;
        if (kind === 'CONVERSATION_REMOVED' || conversation === null) takeOut(cache, conversationId);
        // What was read stays where it stands.
        else if (kind !== 'READ') file(cache, conversationId);
      }),
    },
    Mutation: {
      ...Object.fromEntries(FILED.map((field) => [field, files(field)])),
      declineRequest: update<OfConversation>(({ declineRequest }, _args, cache) => {
        if (declineRequest) takeOut(cache, declineRequest.conversation.id);
      }),
      leaveConversation: update<{ readonly leaveConversation: { readonly conversationId: string } | null }>(
        ({ leaveConversation }, _args, cache) => {
          if (leaveConversation) takeOut(cache, leaveConversation.conversationId);
        },
      ),
    },
  },
};
