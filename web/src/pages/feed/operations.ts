import { graphql } from '../../gql/gql.js';

export const Following = graphql(`
  query Following($first: Int!, $after: String) {
    me {
      id
      feedCursor
    }
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

/** What is new in the feed of the viewer. */
export const FeedLive = graphql(`
  subscription FeedLive($after: String) {
    feedEvents(after: $after) {
      cursor
      postId
      post {
        id
        author {
          id
        }
      }
    }
  }
`);

/** What stands first among the posts of everyone now. */
export const Newest = graphql(`
  query Newest($first: Int!) {
    posts(first: $first) {
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

export const operations = [Following, Everyone, FeedLive, Newest, CreatePost] as const;
