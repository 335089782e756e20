import { graphql } from '../../gql/gql.js';

export const AuditItem = graphql(`
  fragment AuditItem on AuditEvent {
    id
    at
    action
    ip
    userAgent
    detail
    actor {
      id
      username
      displayName
    }
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

export const ReadAudit = graphql(`
  query ReadAudit($actor: ID, $action: String, $after: String) {
    auditLog(first: 50, after: $after, actor: $actor, action: $action) {
      nodes {
        id
        ...AuditItem
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const operations = [ReadAudit] as const;
