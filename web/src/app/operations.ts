import { graphql } from '../gql/gql.js';

/** How much waits for the viewer, wherever an answer or an event tells it. */
export const Unread = graphql(`
  fragment Unread on UnreadCounts {
    id
    version
    messages
    mentions
    notifications
    requests
  }
`);

/** Who is signed in, and how much waits for them. */
export const ShellViewer = graphql(`
  query ShellViewer {
    registration {
      viewerCanInvite
    }
    terms {
      version
      url
      viewerHasAccepted
    }
    me {
      id
      notificationCursor
      unreadCounts {
        id
        ...Unread
      }
      user {
        id
        username
        displayName
        role
      }
    }
  }
`);

export const AcceptTerms = graphql(`
  mutation AcceptTerms($input: AcceptTermsInput!) {
    acceptTerms(input: $input) {
      ok
    }
  }
`);

export const SignOut = graphql(`
  mutation SignOut {
    logout {
      ok
    }
  }
`);

/** How much waits for the viewer, on whatever device it changes. */
export const ShellUnread = graphql(`
  subscription ShellUnread {
    unreadCounts {
      id
      ...Unread
    }
  }
`);

/** What concerns the viewer beyond what they have open. */
export const ShellNotified = graphql(`
  subscription ShellNotified($after: String) {
    notificationAdded(after: $after) {
      cursor
      id
      isWithdrawn
      me {
        id
      }
      ...NotificationItem
    }
  }
`);

/** From where administrators follow the alerts. */
export const AlertsFrom = graphql(`
  query AlertsFrom {
    securityAlertCursor
  }
`);

/** What administrators are alerted of, wherever they are. */
export const ShellAlerted = graphql(`
  subscription ShellAlerted($after: String) {
    securityAlertAdded(after: $after) {
      cursor
      kind
    }
  }
`);

export const NotificationItem = graphql(`
  fragment NotificationItem on Notification {
    id
    kind
    text
    createdAt
    readAt
    actorCount
    actors {
      id
      username
      displayName
    }
    subject {
      __typename
      id
      ... on Post {
        id
      }
      ... on Comment {
        id
        post {
          id
        }
      }
      ... on Entry {
        id
        slug
        title
      }
      ... on Message {
        id
        conversation {
          id
        }
      }
      ... on Conversation {
        id
      }
      ... on User {
        id
        username
      }
    }
  }
`);

export const PaletteSearch = graphql(`
  query PaletteSearch($search: String!, $signedIn: Boolean!) {
    entries(first: 6, filter: { search: $search }) {
      nodes {
        id
        slug
        title
      }
    }
    users(first: 5, search: $search) {
      nodes {
        id
        username
        displayName
      }
    }
    me @include(if: $signedIn) {
      id
      conversations(first: 50) {
        nodes {
          id
          kind
          title
          peer {
            id
            displayName
          }
        }
      }
    }
  }
`);

/** What the frame around every page asks, for the page that tells developers. */
export const operations = [ShellViewer, ShellUnread, ShellNotified, AlertsFrom, ShellAlerted, PaletteSearch, SignOut, AcceptTerms] as const;
