import { ArrowUp, Newspaper, Users } from 'lucide-react';
import { useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link, useSearch } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { Answer } from '../../app/answer.js';
import { Invitation } from '../../app/invitation.js';
import { isComingBack } from '../../app/kept-scroll.js';
import { keptCount } from '../../app/list-memory.js';
import { useMain } from '../../app/main-place.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import type { PostCard } from '../../app/posts/operations.js';
import { MAX_POST } from '../../app/posts/post-card.js';
import { PostList } from '../../app/posts/post-list.js';
import { WriteForm } from '../../app/posts/write-form.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { LinkTabs } from '../../design/link-tabs.js';
import { Skeleton } from '../../design/skeleton.js';
import type { FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { feedTexts } from './feed-texts.js';
import { CreatePost, Everyone, Following } from './operations.js';
import styles from './feed-page.module.css';

type Kind = 'following' | 'everyone';

/** How many posts are asked for at once. */
const PAGE = 20;
/** Of a list that is loaded again: its HTML must be within what one operation may have rendered. */
const MOST_AT_ONCE = 40;
const FIRST: Readonly<Record<Kind, number>> = {
  following: keptCount('following', { least: PAGE, most: MOST_AT_ONCE }),
  everyone: keptCount('everyone', { least: PAGE, most: MOST_AT_ONCE }),
};

interface Posts {
  readonly nodes: readonly (FragmentType<typeof PostCard> & { readonly id: string })[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const Composer = ({ onPosted }: { readonly onPosted: (id: string) => void }) => {
  const t = useTexts(feedTexts);
  const [, create] = useMutation(CreatePost);
  return (
    <WriteForm
      label={t('write')}
      submit={t('post')}
      max={MAX_POST}
      draft="post"
      isPrimary
      foot={t('markdown')}
      onSend={async (body, clientId) => {
        const { data, error } = await create({ input: { body, clientId } });
        if (data?.createPost) onPosted(data.createPost.post.id);
        return error;
      }}
    />
  );
};

const Nothing = ({ kind }: { readonly kind: Kind }) => {
  const t = useTexts(feedTexts);
  if (kind === 'everyone')
    return (
      <EmptyState icon={<Newspaper size={20} />} title={t('nothingTitle')}>
        {t('nothing')}
      </EmptyState>
    );
  return (
    <EmptyState
      icon={<Users size={20} />}
      title={t('followTitle')}
      action={
        <Link to={paths.people} className={buttonClass()}>
          {t('findPeople')}
        </Link>
      }
    >
      {t('follow')}
    </EmptyState>
  );
};

interface FeedProps {
  readonly kind: Kind;
  /** The post that the viewer has just written: what is new is shown with it. */
  readonly posted: string | null;
}

/** The posts of a tab, as they were when it was opened; what has come since is announced. */
const Feed = ({ kind, posted }: FeedProps) => {
  const t = useTexts(feedTexts);
  const main = useMain();
  const [after, setAfter] = useState<string | null>(null);
  const [isReturn] = useState(isComingBack);
  const answer = useQuery<{ readonly feed?: Posts | null; readonly posts?: Posts | null }, { first: number; after: string | null }>({
    query: kind === 'following' ? Following : Everyone,
    variables: { first: FIRST[kind], after },
    requestPolicy: isReturn || after !== null ? 'cache-first' : 'cache-and-network',
  });
  /** The post that stands first, as long as nobody has asked for newer ones. */
  const [top, setTop] = useState<{ readonly id: string; readonly posted: string | null } | null>(null);
  const [{ data }] = answer;
  const { nodes, pageInfo } = data?.feed ?? data?.posts ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
  const isNew = top === null || top.posted !== posted || nodes.every(({ id }) => id !== top.id);
  const [first] = nodes;
  if (isNew && first && (top?.id !== first.id || top.posted !== posted)) setTop({ id: first.id, posted });
  const held = isNew ? 0 : nodes.findIndex(({ id }) => id === top.id);
  const showNew = (): void => {
    if (first) setTop({ id: first.id, posted });
    main.current?.scrollTo({ top: 0 });
  };
  return (
    <Answer of={answer} loading={<Skeleton lines={12} />}>
      {(_data, isFetching) =>
        nodes.length === 0 ? (
          <Nothing kind={kind} />
        ) : (
          <>
            <div className={styles.fresh} role="status">
              {held > 0 && (
                <Button onClick={showNew}>
                  <ArrowUp size={16} aria-hidden="true" />
                  {t('newPosts', { count: held })}
                </Button>
              )}
            </div>
            <PostList
              posts={held === 0 ? nodes : nodes.slice(held)}
              name={kind}
              isFetching={isFetching && after !== null && after === pageInfo.endCursor}
              onMore={pageInfo.hasNextPage && !isFetching ? () => setAfter(pageInfo.endCursor) : null}
              after={!pageInfo.hasNextPage && kind === 'everyone' && nodes.length > PAGE && <p className={styles.end}>{t('end')}</p>}
            />
          </>
        )
      }
    </Answer>
  );
};

const FeedPage = () => {
  const t = useTexts(feedTexts);
  const owner = useOwner();
  const [posted, setPosted] = useState<string | null>(null);
  const of = new URLSearchParams(useSearch()).get('of');
  const kind: Kind = owner === null || of === 'everyone' ? 'everyone' : 'following';
  return (
    <Page
      title={t('title')}
      actions={
        <Link to={paths.people} className={buttonClass('plain')}>
          <Users size={16} aria-hidden="true" />
          {t('people')}
        </Link>
      }
    >
      {owner === null ? <Invitation>{t('invitation')}</Invitation> : <Composer onPosted={setPosted} />}
      {owner !== null && (
        <LinkTabs
          label={t('whose')}
          tabs={[
            { to: paths.feed, title: t('following'), isSelected: kind === 'following' },
            { to: `${paths.feed}?of=everyone`, title: t('everyone'), isSelected: kind === 'everyone' },
          ]}
        />
      )}
      <Feed key={kind} kind={kind} posted={posted} />
    </Page>
  );
};

export default FeedPage;
