import { graphql } from '../gql/gql.js';

/** Who is signed in, and how much waits for them. */
export const ShellViewer = graphql(`
  query ShellViewer {
    me {
      id
      unreadMessageCount
      unreadNotificationCount
      notificationCursor
      user {
        id
        username
        displayName
        role
      }
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

/** Who fits what was typed after `@`. */
export const Mentionables = graphql(`
  query Mentionables($search: String!, $first: Int!) {
    users(search: $search, first: $first) {
      nodes {
        id
        username
        displayName
      }
    }
  }
`);

/** What the frame around every page asks, for the page that tells developers. */
export const operations = [ShellViewer, SignOut, Mentionables] as const;
