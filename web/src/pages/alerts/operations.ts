import { graphql } from '../../gql/gql.js';

export const AlertItem = graphql(`
  fragment AlertItem on SecurityAlert {
    cursor
    at
    kind
    detail
    subject {
      __typename
      id
      ... on User {
        username
        displayName
      }
    }
  }
`);

export const ReadAlerts = graphql(`
  query ReadAlerts($before: String) {
    securityAlerts(before: $before) {
      cursor
      ...AlertItem
    }
  }
`);

export const operations = [ReadAlerts] as const;
