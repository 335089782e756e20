import { Prisma } from '../../db/generated/prisma/client.js';
import { logTopic, signalTopic } from '../../realtime/topic.js';

/** What each kind of event carries. Each kind has a GraphQL type of the same name. */
export interface ConversationEvents {
  readonly MessageAdded: { readonly messageId: string };
  readonly MessageEdited: { readonly messageId: string };
  readonly MessageDeleted: { readonly messageId: string };
  readonly ReactionsChanged: { readonly messageId: string };
  readonly MemberJoined: { readonly userId: string };
  readonly MemberLeft: { readonly userId: string };
  /** The new owner. */
  readonly OwnerChanged: { readonly userId: string };
  /** The user who changed the title. */
  readonly ConversationRenamed: { readonly userId: string };
  /** The new read position of a member. */
  readonly ReadMoved: { readonly userId: string; readonly seq: number };
}

/** The kinds of event about a message. */
export type OfMessage = 'MessageAdded' | 'MessageEdited' | 'MessageDeleted' | 'ReactionsChanged';

/**
 * The events of each conversation, keyed by its id.
 *
 * The projections lock their rows after the conversation's head, and only until the COMMIT, so concurrent senders wait only that long. A
 * transaction that locks a conversation's row itself and emits here must lock the head first; otherwise it could deadlock with a sender.
 */
export const conversationLog = logTopic<ConversationEvents>('conversation', {
  kinds: {
    MessageAdded: 'goes on',
    MessageEdited: 'goes on',
    MessageDeleted: 'goes on',
    ReactionsChanged: 'goes on',
    MemberJoined: 'goes on',
    // A member who has left gets no further event.
    MemberLeft: ({ ref }) => ({ userId: ref.userId }),
    OwnerChanged: 'goes on',
    ConversationRenamed: 'goes on',
    ReadMoved: 'goes on',
  },
  projections: [
    {
      of: ['MessageAdded', 'MessageEdited', 'MessageDeleted'],
      sql: Prisma.sql`
        UPDATE message SET
          seq = CASE numbered.kind WHEN 'MessageAdded' THEN numbered.seq ELSE message.seq END,
          created_at = CASE numbered.kind WHEN 'MessageAdded' THEN numbered.at ELSE message.created_at END,
          edited_at = CASE numbered.kind WHEN 'MessageEdited' THEN numbered.at ELSE message.edited_at END,
          deleted_at = CASE numbered.kind WHEN 'MessageDeleted' THEN numbered.at ELSE message.deleted_at END
        FROM numbered
        WHERE numbered.topic = 'conversation' AND numbered.kind IN ('MessageAdded', 'MessageEdited', 'MessageDeleted')
          AND message.id = (numbered.ref->>'messageId')::uuid`,
    },
    {
      of: ['MessageAdded'],
      sql: Prisma.sql`
        UPDATE conversation SET last_message_at = numbered.at, active_at = greatest(active_at, numbered.at) FROM numbered
        WHERE numbered.topic = 'conversation' AND numbered.kind = 'MessageAdded' AND conversation.id = numbered.key::uuid`,
    },
    // Messages from before a member joined do not count as unread.
    {
      of: ['MemberJoined'],
      sql: Prisma.sql`
        UPDATE conversation_member SET last_read_seq = numbered.seq FROM numbered
        WHERE numbered.topic = 'conversation' AND numbered.kind = 'MemberJoined'
          AND conversation_member.conversation_id = numbered.key::uuid
          AND conversation_member.user_id = (numbered.ref->>'userId')::uuid`,
    },
    // Joining and leaving run one after the other under the membership lock, so the last member to leave finds no other.
    {
      of: ['MemberJoined', 'MemberLeft'],
      sql: Prisma.sql`
        UPDATE conversation SET empty_since = CASE numbered.kind WHEN 'MemberLeft' THEN numbered.at END FROM numbered
        WHERE numbered.topic = 'conversation' AND numbered.kind IN ('MemberJoined', 'MemberLeft')
          AND conversation.id = numbered.key::uuid AND conversation.kind = 'ROOM'
          AND CASE numbered.kind
            WHEN 'MemberJoined' THEN conversation.empty_since IS NOT NULL
            ELSE NOT EXISTS (SELECT 1 FROM conversation_member member WHERE member.conversation_id = conversation.id)
          END`,
    },
  ],
});

/** Typing signals, keyed by conversation id. */
export const typingTopic = signalTopic<{ readonly userId: string; readonly isTyping: boolean }>('typing');
