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

export const operations = [Following, Everyone, CreatePost] as const;
