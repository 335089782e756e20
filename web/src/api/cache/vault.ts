import type { Cache } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { forgetList, removeNode } from './lists.js';

interface Changed {
  readonly entry: { readonly id: string };
}
interface Edited {
  readonly updateEntry: Changed | null;
}
interface Restored {
  readonly restoreEntryRevision: Changed | null;
}

interface Deleted {
  readonly deleteEntry: { readonly entryId: string } | null;
}

/** What an entry is found by has changed: lists that are filtered and ordered by it are read again, and how many each category has. */
const entriesChanged = (cache: Cache): void => {
  forgetList(cache, 'Query', 'entries');
  cache.invalidate('Query', 'categories');
  forgetList(cache, 'Query', 'tags');
};

/** An entry has a further version. */
const edited = (cache: Cache, changed: Changed | null): void => {
  if (changed) forgetList(cache, { __typename: 'Entry', id: changed.entry.id }, 'revisions');
  entriesChanged(cache);
};

const liked = (input: unknown, cache: Cache, viewerHasLiked: boolean, by: number, payload: string) => {
  const entry = { __typename: 'Entry', id: (input as { readonly entryId: string }).entryId };
  const likeCount = cache.resolve(entry, 'likeCount');
  return {
    __typename: payload,
    entry: { ...entry, viewerHasLiked, likeCount: Math.max(0, (typeof likeCount === 'number' ? likeCount : 0) + by) },
  };
};

/** The entries of the vault, and the previews of those that are being written. */
export const vaultInCache: AreaOfCache = {
  updates: {
    Mutation: {
      createEntry: update((_result, _args, cache) => entriesChanged(cache)),
      updateEntry: update<Edited>(({ updateEntry }, _args, cache) => edited(cache, updateEntry)),
      restoreEntryRevision: update<Restored>(({ restoreEntryRevision }, _args, cache) => edited(cache, restoreEntryRevision)),
      deleteEntry: update<Deleted>(({ deleteEntry }, _args, cache) => {
        if (!deleteEntry) return;
        const entry = { __typename: 'Entry', id: deleteEntry.entryId };
        removeNode(cache, { owner: 'Query', field: 'entries' }, entry);
        entriesChanged(cache);
      }),
    },
    Query: {
      // Nobody comes back to the preview of a text that has been written on; it would be kept as long as the page is open.
      markdownPreview: update((_result, { text }, cache) => {
        for (const { fieldName, arguments: args } of cache.inspectFields('Query'))
          if (fieldName === 'markdownPreview' && args?.['text'] !== text) cache.invalidate('Query', fieldName, args);
      }),
    },
  },
  optimistic: {
    likeEntry: ({ input }, cache) => liked(input, cache, true, 1, 'LikeEntryPayload'),
    unlikeEntry: ({ input }, cache) => liked(input, cache, false, -1, 'UnlikeEntryPayload'),
  },
};
