import { graphql } from '../../gql/gql.js';

export const ReadEntry = graphql(`
  query ReadEntry($slug: String!) {
    entry(by: { slug: $slug }) {
      id
      slug
      title
      contentHtml
      tags
      updatedAt
      likeCount
      viewerHasLiked
      author {
        id
        username
        displayName
      }
      category {
        id
        slug
        name
      }
    }
  }
`);

export const operations = [ReadEntry] as const;
