import { graphql } from '../generated/gql.js';

export const PostLine = graphql(`
  fragment PostLine on Post {
    id
    body
    likeCount
    createdAt
    author {
      username
      role
    }
  }
`);

export const Posts = graphql(`
  query Posts($first: Int!) {
    posts(first: $first) {
      edges {
        cursor
        node {
          ...PostLine
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
`);

export const CreatePost = graphql(`
  mutation CreatePost($input: CreatePostInput!) {
    createPost(input: $input) {
      post {
        ...PostLine
        commentCursor
      }
    }
  }
`);

export const LikePost = graphql(`
  mutation LikePost($input: LikePostInput!) {
    likePost(input: $input) {
      likeCount
      post {
        id
        likeCount
      }
    }
  }
`);

export const AddComment = graphql(`
  mutation AddComment($input: AddCommentInput!) {
    addComment(input: $input) {
      comment {
        id
      }
    }
  }
`);

export const LikeCountChanged = graphql(`
  subscription LikeCountChanged($postId: ID!) {
    likeCountChanged(postId: $postId) {
      count
      version
    }
  }
`);

export const CommentAdded = graphql(`
  subscription CommentAdded($postId: ID!, $after: String) {
    commentAdded(postId: $postId, after: $after) {
      cursor
      comment {
        id
        body
        author {
          username
        }
      }
    }
  }
`);
