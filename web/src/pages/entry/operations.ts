import { graphql } from '../../gql/gql.js';

export const ReadEntry = graphql(`
  query ReadEntry($slug: String!) {
    entry(by: { slug: $slug }) {
      id
      slug
      title
      contentHtml
      tags
      createdAt
      updatedAt
      isPublic
      isFeatured
      likeCount
      viewerHasLiked
      viewerCanEdit
      viewerCanDelete
      changeCursor
      author {
        id
        username
        displayName
        isDeleted
      }
      category {
        id
        slug
        name
        color
      }
    }
  }
`);

export const EntryChanges = graphql(`
  subscription EntryChanges($id: ID!, $after: String) {
    entryChanged(id: $id, after: $after) {
      cursor
      kind
      entryId
    }
  }
`);

export const LikeEntry = graphql(`
  mutation LikeEntry($id: ID!) {
    likeEntry(input: { entryId: $id }) {
      entry {
        id
        likeCount
        viewerHasLiked
      }
    }
  }
`);

export const UnlikeEntry = graphql(`
  mutation UnlikeEntry($id: ID!) {
    unlikeEntry(input: { entryId: $id }) {
      entry {
        id
        likeCount
        viewerHasLiked
      }
    }
  }
`);

export const DeleteEntry = graphql(`
  mutation DeleteEntry($id: ID!, $clientId: String) {
    deleteEntry(input: { id: $id, clientId: $clientId }) {
      entryId
      category {
        id
        entryCount
      }
    }
  }
`);

export const operations = [ReadEntry, EntryChanges, LikeEntry, UnlikeEntry, DeleteEntry] as const;
