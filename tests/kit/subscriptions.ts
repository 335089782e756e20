import { graphql } from './graphql.js';

/*
 * What many tests follow.
 */

export const MessageAdded = graphql(
  `subscription MessageAdded($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { cursor message { body } } }`,
);
export const CommentAdded = graphql(
  `subscription CommentAdded($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { cursor comment { body } } }`,
);
export const LikeCountChanged = graphql(`subscription LikeCountChanged($id: ID!) { likeCountChanged(postId: $id) { count } }`);
export const LikeVersionChanged = graphql(`subscription LikeVersionChanged($id: ID!) { likeCountChanged(postId: $id) { count version } }`);
export const CommentCountChanged = graphql(`subscription CommentCountChanged($id: ID!) { commentCountChanged(postId: $id) { count } }`);
export const StatusChanged = graphql(`subscription StatusChanged($ids: [ID!]) { presenceChanged(userIds: $ids) { status } }`);
