import { ArrowUp, Newspaper, Users } from 'lucide-react';
import { useState } from 'react';
import { useClient, useMutation, useQuery } from 'urql';
import { Link, useSearch } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { Answer } from '../../app/answer.js';
import { Invitation } from '../../app/invitation.js';
import { isComingBack } from '../../app/kept-scroll.js';
import { keptCount } from '../../app/list-memory.js';
import { useMain } from '../../app/main-place.js';
import { Page } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
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
import { LOOKED_AT, useNewer, type Kind } from './use-newer.js';
import styles from './feed-page.module.css';

/** How many posts are asked for at once. */
const PAGE = 20;
/** Of a list that is loaded again: its HTML must be within what one operation may have rendered. */
const MOST_AT_ONCE = 40;
const FIRST: Readonly<Record<Kind, number>> = {
  following: keptCount('following', { least: PAGE, most: MOST_AT_ONCE }),
  everyone: keptCount('everyone', { least: PAGE, most: MOST_AT_ONCE }),
};

interface PostsData {
  readonly me?: { readonly feedCursor: string } | null;
  readonly feed?: Posts | null;
  readonly posts?: Posts | null;
}

interface Posts {
  readonly nodes: readonly (FragmentType<typeof PostCard> & { readonly id: string })[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const NONE: Posts = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

const Composer = () => {
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
        const { error } = await create({ input: { body, clientId } });
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

/** The posts of a tab, as they were when it was opened, with the viewer's own; what others have written since is announced. */
const Feed = ({ kind }: { readonly kind: Kind }) => {
  const t = useTexts(feedTexts);
  const main = useMain();
  const { after, moreOf, restart } = usePages();
  const [isReturn] = useState(isComingBack);
  const answer = useQuery<PostsData, { first: number; after: string | null }>({
    query: kind === 'following' ? Following : Everyone,
    variables: { first: FIRST[kind], after },
    // What the cache has of a list is an answer to each of its pages, so a further page is asked for in any case.
    requestPolicy: isReturn && after === null ? 'cache-first' : 'cache-and-network',
  });
  const client = useClient();
  const postsOf = (data: PostsData | undefined): Posts => data?.feed ?? data?.posts ?? NONE;
  const [{ data: read }, again] = answer;
  const newer = useNewer({
    kind,
    shown: read === undefined ? null : postsOf(read).nodes,
    cursor: read?.me?.feedCursor ?? null,
    onExpired: () => again({ requestPolicy: 'network-only' }),
  });
  const showNewer = async (): Promise<void> => {
    const query = kind === 'following' ? Following : Everyone;
    const { error } = await client
      .query<PostsData>(query, { first: FIRST[kind], after: null }, { requestPolicy: 'network-only' })
      .toPromise();
    if (error) return;
    newer.settle();
    restart();
    main.current?.scrollTo({ top: 0 });
  };
  return (
    <Answer of={answer} loading={<Skeleton lines={12} />}>
      {(data, isFetching) => {
        const { nodes, pageInfo } = postsOf(data);
        return (
          <>
            <div className={styles.fresh} role="status">
              {newer.count > 0 && (
                <Button onClick={() => void showNewer()}>
                  <ArrowUp size={16} aria-hidden="true" />
                  {kind === 'following' || newer.count < LOOKED_AT
                    ? t('newPosts', { count: newer.count })
                    : t('manyNew', { count: LOOKED_AT - 1 })}
                </Button>
              )}
            </div>
            {nodes.length === 0 ? (
              <Nothing kind={kind} />
            ) : (
              <PostList
                posts={nodes}
                name={kind}
                isFetching={isFetching && after !== null && after === pageInfo.endCursor}
                onMore={moreOf(pageInfo, isFetching).onMore}
                after={!pageInfo.hasNextPage && kind === 'everyone' && nodes.length > PAGE && <p className={styles.end}>{t('end')}</p>}
              />
            )}
          </>
        );
      }}
    </Answer>
  );
};

const FeedPage = () => {
  const t = useTexts(feedTexts);
  const owner = useOwner();
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
      {owner === null ? <Invitation>{t('invitation')}</Invitation> : <Composer />}
      {owner !== null && (
        <LinkTabs
          label={t('whose')}
          tabs={[
            { to: paths.feed, title: t('following'), isSelected: kind === 'following' },
            { to: `${paths.feed}?of=everyone`, title: t('everyone'), isSelected: kind === 'everyone' },
          ]}
        />
      )}
      <Feed key={kind} kind={kind} />
    </Page>
  );
};

export default FeedPage;
