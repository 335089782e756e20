import { Prisma } from '../../db/generated/prisma/client.js';
import { logTopic, signalTopic } from '../../realtime/topic.js';

/** What each kind of event carries. Each has a GraphQL type of the same name. */
export interface ConversationEvents {
  readonly MessageAdded: { readonly messageId: string };
  readonly MessageEdited: { readonly messageId: string };
  readonly MessageDeleted: { readonly messageId: string };
  readonly ReactionsChanged: { readonly messageId: string };
  readonly MemberJoined: { readonly userId: string };
  readonly MemberLeft: { readonly userId: string };
  /** Whose the conversation is from here. */
  readonly OwnerChanged: { readonly userId: string };
  /** Who gave it another title. */
  readonly ConversationRenamed: { readonly userId: string };
  /** Up to which seq a member has read. */
  readonly ReadMoved: { readonly userId: string; readonly seq: number };
}

/** The kinds of event that are about a message. */
export type OfMessage = 'MessageAdded' | 'MessageEdited' | 'MessageDeleted' | 'ReactionsChanged';

/**
 * Everything that happens in a conversation, keyed by its id.
 *
 * The projections lock what they write after the conversation's head and for no longer than the COMMIT takes, so those who send at the same
 * time wait for each other no longer than that. Whoever locks a conversation's row and emits here in one transaction must lock
 * the head first, or else two may wait for each other.
 */
export const conversationLog = logTopic<ConversationEvents>('conversation', {
  kinds: {
    MessageAdded: 'goes on',
    MessageEdited: 'goes on',
    MessageDeleted: 'goes on',
    ReactionsChanged: 'goes on',
    MemberJoined: 'goes on',
    // What happens after somebody has left is nothing for them, not even for a moment.
    MemberLeft: ({ ref }) => ({ userId: ref.userId }),
    OwnerChanged: 'goes on',
    ConversationRenamed: 'goes on',
    ReadMoved: 'goes on',
  },
  projections: [
    Prisma.sql`
      UPDATE message SET
        seq = CASE numbered.kind WHEN 'MessageAdded' THEN numbered.seq ELSE message.seq END,
        created_at = CASE numbered.kind WHEN 'MessageAdded' THEN numbered.at ELSE message.created_at END,
        edited_at = CASE numbered.kind WHEN 'MessageEdited' THEN numbered.at ELSE message.edited_at END,
        deleted_at = CASE numbered.kind WHEN 'MessageDeleted' THEN numbered.at ELSE message.deleted_at END
      FROM numbered
      WHERE numbered.topic = 'conversation' AND numbered.kind IN ('MessageAdded', 'MessageEdited', 'MessageDeleted')
        AND message.id = (numbered.ref->>'messageId')::uuid`,
    Prisma.sql`
      UPDATE conversation SET last_message_at = numbered.at, active_at = greatest(active_at, numbered.at) FROM numbered
      WHERE numbered.topic = 'conversation' AND numbered.kind = 'MessageAdded' AND conversation.id = numbered.key::uuid`,
    // What was said before somebody joined is nothing they have left unread.
    Prisma.sql`
      UPDATE conversation_member SET last_read_seq = numbered.seq FROM numbered
      WHERE numbered.topic = 'conversation' AND numbered.kind = 'MemberJoined'
        AND conversation_member.conversation_id = numbered.key::uuid
        AND conversation_member.user_id = (numbered.ref->>'userId')::uuid`,
    // Those who come and go do so one after the other, so whoever left last finds nobody.
    Prisma.sql`
      UPDATE conversation SET empty_since = CASE numbered.kind WHEN 'MemberLeft' THEN numbered.at END FROM numbered
      WHERE numbered.topic = 'conversation' AND numbered.kind IN ('MemberJoined', 'MemberLeft')
        AND conversation.id = numbered.key::uuid AND conversation.kind = 'ROOM'
        AND CASE numbered.kind
          WHEN 'MemberJoined' THEN conversation.empty_since IS NOT NULL
          ELSE NOT EXISTS (SELECT 1 FROM conversation_member member WHERE member.conversation_id = conversation.id)
        END`,
  ],
});

/** Who types, keyed by the conversation's id. */
export const typingTopic = signalTopic<{ readonly userId: string; readonly isTyping: boolean }>('typing');
