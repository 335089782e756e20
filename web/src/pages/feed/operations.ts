import { graphql } from '../../gql/gql.js';

export const Following = graphql(`
  query Following($first: Int!, $after: String) {
    feed(first: $first, after: $after) {
      nodes {
        id
        ...PostCard
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const Everyone = graphql(`
  query Everyone($first: Int!, $after: String) {
    posts(first: $first, after: $after) {
      nodes {
        id
        ...PostCard
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

/** What stands first in the two lists now. */
export const Newest = graphql(`
  query Newest($first: Int!, $following: Boolean!) {
    feed(first: $first) @include(if: $following) {
      nodes {
        id
      }
    }
    posts(first: $first) @skip(if: $following) {
      nodes {
        id
      }
    }
  }
`);

export const CreatePost = graphql(`
  mutation CreatePost($input: CreatePostInput!) {
    createPost(input: $input) {
      post {
        id
        author {
          id
        }
        ...PostCard
      }
    }
  }
`);

export const operations = [Following, Everyone, Newest, CreatePost] as const;
