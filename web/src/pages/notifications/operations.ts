import { graphql } from '../../gql/gql.js';

export const Notifications = graphql(`
  query Notifications($unreadOnly: Boolean!, $after: String) {
    me {
      id
      notifications(first: 30, after: $after, unreadOnly: $unreadOnly) {
        nodes {
          id
          ...NotificationItem
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const MarkNotificationsRead = graphql(`
  mutation MarkNotificationsRead($input: MarkNotificationsReadInput!) {
    markNotificationsRead(input: $input) {
      me {
        id
        unreadCounts {
          id
          ...Unread
        }
      }
      notifications {
        id
        readAt
      }
    }
  }
`);

export const operations = [Notifications, MarkNotificationsRead] as const;
