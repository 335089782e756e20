import type { Api, As } from './api.js';
import { graphql } from './graphql.js';

/*
 * The list of somebody's conversations with what is unread, as a device shows it.
 */

type App = Pick<Api, 'data'>;

export const InboxChanged = graphql(`
  subscription InboxChanged($after: String) {
    inboxChanged(after: $after) {
      cursor
      kind
      conversationId
      conversation {
        id
        title
        unreadCount
        isArchived
        isMuted
        isPinned
        isMarkedUnread
        lastMessage {
          body
        }
      }
      unread {
        version
        messages
        mentions
        notifications
        requests
      }
    }
  }
`);

const InboxOf = graphql(`
  query InboxOf {
    me {
      inboxCursor
      unreadCounts {
        version
        messages
        mentions
        notifications
        requests
      }
      conversations(first: 100) {
        nodes {
          id
          title
          unreadCount
          isArchived
          isMuted
          isPinned
          isMarkedUnread
          lastMessage {
            body
          }
        }
      }
    }
  }
`);

/** What a fresh device shows, and where it goes on. */
export const inboxOf = async (app: App, user: As) => {
  const { inboxCursor, unreadCounts, conversations } = (await app.data(InboxOf, {}, user)).me;
  return { cursor: inboxCursor, unread: unreadCounts, conversations: conversations.nodes };
};

const InboxMarkRead = graphql(
  `mutation InboxMarkRead($id: ID!, $cursor: String!) { markRead(input: { conversationId: $id, cursor: $cursor }) { conversation { unreadCount } } }`,
);

export const markRead = async (app: App, user: As, id: string, cursor: string): Promise<void> => {
  await app.data(InboxMarkRead, { id, cursor }, user);
};
