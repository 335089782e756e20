import { logTopic } from '../../realtime/topic.js';

/** What events and jobs about the place of a conversation in somebody's list carry. */
export interface OfConversation {
  readonly conversationId: string;
}

/** What each kind of event carries. */
export interface InboxEvents {
  readonly CONVERSATION_ADDED: OfConversation;
  readonly CONVERSATION_REMOVED: OfConversation;
  readonly MESSAGE: OfConversation;
  readonly READ: OfConversation;
  readonly CONVERSATION_CHANGED: OfConversation;
  readonly REQUEST: OfConversation;
  /** Only counts have changed, those of notifications or mentions. */
  readonly COUNTS: null;
}

/**
 * Whatever moves a user's list of conversations or what is unread, keyed by the user's id. Each transaction that changes either for a user
 * emits here, so whoever has rendered the last event shows what a fresh query shows. The seq of its head is the version of the user's counts.
 */
export const inboxLog = logTopic<InboxEvents>('inbox', {
  kinds: {
    CONVERSATION_ADDED: 'goes on',
    CONVERSATION_REMOVED: 'goes on',
    MESSAGE: 'goes on',
    READ: 'goes on',
    CONVERSATION_CHANGED: 'goes on',
    REQUEST: 'goes on',
    COUNTS: 'goes on',
  },
});
