import { useCallback, useMemo, useState, type ReactNode } from 'react';
import { FlowList } from '../../design/flow-list.js';
import { Skeleton } from '../../design/skeleton.js';
import type { FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { listMemory } from '../list-memory.js';
import type { PostCard as Card } from './operations.js';
import { PostCard } from './post-card.js';
import { postTexts } from './post-texts.js';
import { useLiveCounts } from './use-live-counts.js';

type Post = FragmentType<typeof Card> & { readonly id: string };

interface PostListProps {
  readonly posts: readonly Post[];
  /** Of which list it is: its place is kept by this name. */
  readonly name: string;
  /** Null when there are no more, or more are under way. */
  readonly onMore: (() => void) | null;
  /** Whether more are under way. */
  readonly isFetching: boolean;
  readonly after?: ReactNode;
}

/** The counts of so many posts before and behind what is seen are kept; what is followed changes only each time so many have passed. */
const STEP = 25;

/** An endless list of posts, all of which show their likes and comments as they are now. */
export const PostList = ({ posts, name, onMore, isFetching, after }: PostListProps) => {
  const t = useTexts(postTexts);
  const [step, setStep] = useState(0);
  const byRange = useCallback((first: number) => setStep(Math.floor(first / STEP)), []);
  const from = Math.max(0, (step - 1) * STEP);
  useLiveCounts(useMemo(() => posts.slice(from, from + 3 * STEP).map(({ id }) => id), [posts, from]));
  return (
    <div>
      <FlowList
        items={posts}
        keyOf={({ id }) => id}
        label={t('posts')}
        memory={listMemory(name)}
        onEnd={onMore ?? undefined}
        onRange={byRange}
      >
        {(post) => <PostCard post={post} />}
      </FlowList>
      {isFetching ? <Skeleton lines={4} /> : after}
    </div>
  );
};
