import { useLive } from '../../api/live.js';
import { EntryLikeCounts } from './operations.js';

/** Keeps the likes of these entries as they are now; at most a hundred. Private ones are liked by nobody else, and cannot be followed. */
export const useEntryLikes = (entries: readonly { readonly id: string; readonly isPublic: boolean }[]): void => {
  const ids = entries.filter(({ isPublic }) => isPublic).map(({ id }) => id);
  useLive({ query: EntryLikeCounts, variables: ids.length === 0 ? null : { ids }, about: ids.join() });
};
