import { useMemo, type ReactNode } from 'react';
import { FlowList } from '../../design/flow-list.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { listMemory } from '../list-memory.js';
import { useNear } from '../near.js';
import { usePresence } from '../people/use-presence.js';
import { PostCard as CardOfPost } from './operations.js';
import { PostCard } from './post-card.js';
import { postTexts } from './post-texts.js';
import { useLiveCounts } from './use-live-counts.js';

type Post = FragmentType<typeof CardOfPost> & { readonly id: string };

interface PostListProps {
  readonly posts: readonly Post[];
  /** Of which list it is: its place is kept by this name. */
  readonly name: string;
  /** Undefined when there are no more, or more are under way. */
  readonly onMore: (() => void) | undefined;
  /** Whether more are under way. */
  readonly isFetching: boolean;
  readonly after?: ReactNode;
}

/** The counts of so many posts before and behind what is seen are kept; what is followed changes only each time so many have passed. */
const STEP = 25;

/** An endless list of posts, all of which show their likes and comments as they are now. */
export const PostList = ({ posts, name, onMore, isFetching, after }: PostListProps) => {
  const t = useTexts(postTexts);
  const { near, onRange } = useNear(posts, STEP);
  useLiveCounts(useMemo(() => near.map(({ id }) => id), [near]));
  usePresence(useMemo(() => near.map((post) => readFragment(CardOfPost, post).author.id), [near]));
  return (
    <div>
      <FlowList items={posts} keyOf={({ id }) => id} label={t('posts')} memory={listMemory(name)} onEnd={onMore} onRange={onRange}>
        {(post) => <PostCard post={post} />}
      </FlowList>
      {isFetching ? <Skeleton lines={4} /> : after}
    </div>
  );
};
