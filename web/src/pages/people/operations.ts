import { graphql } from '../../gql/gql.js';

export const Directory = graphql(`
  query Directory($search: String, $first: Int!, $after: String) {
    users(search: $search, first: $first, after: $after) {
      nodes {
        id
        ...PersonLine
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const operations = [Directory] as const;
