import { graphql } from '../../gql/gql.js';

export const EntryRow = graphql(`
  fragment EntryRow on Entry {
    id
    slug
    title
    tags
    likeCount
    updatedAt
    isPublic
    isFeatured
    author {
      id
      username
      displayName
      isDeleted
    }
    category {
      id
      name
      color
    }
  }
`);

export const VaultEntries = graphql(`
  query VaultEntries($filter: EntryFilter, $orderBy: EntryOrder, $after: String) {
    entries(first: 50, after: $after, filter: $filter, orderBy: $orderBy) {
      nodes {
        id
        ...EntryRow
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const VaultFilters = graphql(`
  query VaultFilters {
    categories {
      id
      slug
      name
      color
      entryCount
    }
    tags
  }
`);

export const operations = [VaultEntries, VaultFilters] as const;
