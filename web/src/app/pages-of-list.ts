import { useState } from 'react';

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

interface Pages {
  /** Where the page begins that is asked for, as a variable of the query; null for the first. */
  readonly after: string | null;
  /** How to go on, of the answer: what an endless list takes. Without `onMore` there are no more, or they are under way. */
  readonly moreOf: (pageInfo: PageInfo, isFetching: boolean) => { readonly isFetching: boolean; readonly onMore: (() => void) | undefined };
  readonly restart: () => void;
}

/**
 * How far a list has been read. Its query asks for one page, and the cache answers with all up to there; where it has forgotten the beginning, what
 * comes next is the first page.
 * @param of which list it is, where the same component shows one after another
 */
export const usePages = (of = ''): Pages => {
  const [read, setRead] = useState<{ readonly of: string; readonly after: string | null }>({ of, after: null });
  const after = read.of === of ? read.after : null;
  const readTo = (to: string | null): void => {
    if (to !== after) setRead({ of, after: to });
  };
  return {
    after,
    moreOf: ({ hasNextPage, endCursor }, isFetching) => ({
      isFetching: isFetching && after !== null,
      onMore: hasNextPage && !isFetching ? () => readTo(endCursor) : undefined,
    }),
    restart: () => readTo(null),
  };
};
