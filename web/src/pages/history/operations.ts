import { graphql } from '../../gql/gql.js';

export const RevisionRow = graphql(`
  fragment RevisionRow on EntryRevision {
    id
    version
    title
    tags
    isPublic
    createdAt
    editor {
      id
      username
      displayName
      isDeleted
    }
  }
`);

export const ReadHistory = graphql(`
  query ReadHistory($slug: String!, $after: String) {
    entry(by: { slug: $slug }) {
      id
      slug
      title
      version
      viewerCanEdit
      revisions(first: 30, after: $after) {
        nodes {
          id
          ...RevisionRow
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const ReadDifference = graphql(`
  query ReadDifference($from: ID!, $to: ID!) {
    entryDifference(from: $from, to: $to) {
      from {
        id
      }
      to {
        id
      }
      parts {
        kind
        text
      }
    }
  }
`);

export const ReadRevision = graphql(`
  query ReadRevision($id: ID!) {
    node(id: $id) {
      id
      ... on EntryRevision {
        content
      }
    }
  }
`);

export const RestoreRevision = graphql(`
  mutation RestoreRevision($id: ID!, $expectedVersion: Int!, $clientId: String) {
    restoreEntryRevision(input: { revisionId: $id, expectedVersion: $expectedVersion, clientId: $clientId }) {
      entry {
        id
        version
        title
        content
        contentHtml
        tags
        updatedAt
      }
    }
  }
`);

export const operations = [ReadHistory, ReadDifference, ReadRevision, RestoreRevision] as const;
