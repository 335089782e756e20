import { graphql } from '../../gql/gql.js';

/** A comment in its thread. What the viewer may do with it is asked beside it: events are the same for everyone. */
export const CommentItem = graphql(`
  fragment CommentItem on Comment {
    id
    body
    bodyHtml
    createdAt
    editedAt
    deletedAt
    replyTo {
      id
    }
    author {
      id
      username
      displayName
      isDeleted
    }
  }
`);

export const ReadPost = graphql(`
  query ReadPost($id: ID!, $after: String) {
    post(id: $id) {
      id
      commentCursor
      ...PostCard
      comments(first: 50, after: $after) {
        nodes {
          id
          viewerCanEdit
          viewerCanDelete
          ...CommentItem
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const PostLog = graphql(`
  subscription PostLog($postId: ID!, $after: String) {
    postEvents(postId: $postId, after: $after) {
      __typename
      postId
      cursor
      ... on CommentAdded {
        comment {
          id
          ...CommentItem
        }
        post {
          id
          commentCount
        }
      }
      ... on CommentEdited {
        comment {
          id
          body
          bodyHtml
          editedAt
        }
      }
      ... on CommentDeleted {
        comment {
          id
          body
          bodyHtml
          deletedAt
        }
        post {
          id
          commentCount
        }
      }
      ... on PostEdited {
        post {
          id
          body
          bodyHtml
          editedAt
        }
      }
      ... on PostDeleted {
        post {
          id
          deletedAt
        }
      }
    }
  }
`);

export const AddComment = graphql(`
  mutation AddComment($input: AddCommentInput!) {
    addComment(input: $input) {
      comment {
        id
        viewerCanEdit
        viewerCanDelete
        ...CommentItem
      }
      post {
        id
        commentCount
      }
    }
  }
`);

export const EditComment = graphql(`
  mutation EditComment($input: UpdateCommentInput!) {
    updateComment(input: $input) {
      comment {
        id
        body
        bodyHtml
        editedAt
      }
    }
  }
`);

export const DeleteComment = graphql(`
  mutation DeleteComment($id: ID!) {
    deleteComment(input: { id: $id }) {
      comment {
        id
        body
        bodyHtml
        deletedAt
      }
      post {
        id
        commentCount
      }
    }
  }
`);

export const operations = [ReadPost, PostLog, AddComment, EditComment, DeleteComment] as const;
