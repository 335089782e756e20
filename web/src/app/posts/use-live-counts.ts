import { useLive } from '../../api/live.js';
import { CommentCounts, LikeCounts } from './operations.js';

/** As many posts as one subscription may be for. */
const MOST = 100;

/** Keeps the likes and comments of all these posts as they are now: two subscriptions, however many posts they are. */
export const useLiveCounts = (postIds: readonly string[]): void => {
  const ids = postIds.slice(0, MOST);
  const variables = ids.length === 0 ? null : { ids };
  const about = ids.join();
  useLive({ query: LikeCounts, variables, about });
  useLive({ query: CommentCounts, variables, about });
};
