import { graphql } from '../../gql/gql.js';

/** The likes of all entries that are seen, by one subscription. */
export const EntryLikeCounts = graphql(`
  subscription EntryLikeCounts($ids: [ID!]!) {
    entryLikeCountsChanged(ids: $ids) {
      entryId
      version
      entry {
        id
        likeCount
      }
    }
  }
`);

export const operations = [EntryLikeCounts] as const;
