import { graphql } from '../../gql/gql.js';

export const EntryRow = graphql(`
  fragment EntryRow on Entry {
    id
    slug
    title
    likeCount
    updatedAt
    author {
      id
      username
      displayName
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
    entries(first: 30, after: $after, filter: $filter, orderBy: $orderBy) {
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

export const VaultCategories = graphql(`
  query VaultCategories {
    categories {
      id
      slug
      name
      color
      entryCount
    }
  }
`);

export const operations = [VaultEntries, VaultCategories] as const;
