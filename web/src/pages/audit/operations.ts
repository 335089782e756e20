import { graphql } from '../../gql/gql.js';

export const AuditItem = graphql(`
  fragment AuditItem on AuditEvent {
    id
    at
    action
    via
    viaId
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
  query ReadAudit($actor: ID, $viaId: ID, $via: AuditVia, $action: String, $after: String) {
    auditLog(first: 50, after: $after, actor: $actor, viaId: $viaId, via: $via, action: $action) {
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
