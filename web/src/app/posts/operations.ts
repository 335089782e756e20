import { graphql } from '../../gql/gql.js';

/** A post as it stands in every list of posts, and on its own page. */
export const PostCard = graphql(`
  fragment PostCard on Post {
    id
    body
    bodyHtml
    createdAt
    editedAt
    deletedAt
    likeCount
    commentCount
    viewerHasLiked
    viewerCanEdit
    viewerCanDelete
    author {
      id
      username
      displayName
      isDeleted
    }
  }
`);

export const LikePost = graphql(`
  mutation LikePost($postId: ID!) {
    likePost(input: { postId: $postId }) {
      post {
        id
        likeCount
        viewerHasLiked
      }
    }
  }
`);

export const UnlikePost = graphql(`
  mutation UnlikePost($postId: ID!) {
    unlikePost(input: { postId: $postId }) {
      post {
        id
        likeCount
        viewerHasLiked
      }
    }
  }
`);

export const EditPost = graphql(`
  mutation EditPost($input: UpdatePostInput!) {
    updatePost(input: $input) {
      post {
        id
        body
        bodyHtml
        editedAt
      }
    }
  }
`);

export const DeletePost = graphql(`
  mutation DeletePost($id: ID!) {
    deletePost(input: { id: $id }) {
      postId
      post {
        id
        deletedAt
      }
    }
  }
`);

/** The likes of all posts that are seen, by one subscription. */
export const LikeCounts = graphql(`
  subscription LikeCounts($ids: [ID!]!) {
    likeCountsChanged(ids: $ids) {
      postId
      version
      post {
        id
        likeCount
      }
    }
  }
`);

export const CommentCounts = graphql(`
  subscription CommentCounts($ids: [ID!]!) {
    commentCountsChanged(ids: $ids) {
      postId
      version
      post {
        id
        commentCount
      }
    }
  }
`);

/** What a list of posts asks. */
export const operations = [LikePost, UnlikePost, EditPost, DeletePost, LikeCounts, CommentCounts] as const;
