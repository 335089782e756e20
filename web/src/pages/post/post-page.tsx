import { useMutation, useQuery } from 'urql';
import { Link, useLocation, useParams } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { useLive } from '../../api/live.js';
import { Answer } from '../../app/answer.js';
import { Invitation } from '../../app/invitation.js';
import { Page, PageBody } from '../../app/page.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { usePresence } from '../../app/people/use-presence.js';
import { PostCard as CardOfPost } from '../../app/posts/operations.js';
import { PostCard } from '../../app/posts/post-card.js';
import { useLiveCounts } from '../../app/posts/use-live-counts.js';
import { WriteForm } from '../../app/posts/write-form.js';
import { Button, buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment } from '../../gql/fragment-masking.js';
import type { ReadPostQuery } from '../../gql/graphql.js';
import { useTexts } from '../../i18n/language.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { CommentThread, isThere, MAX_COMMENT } from './comment-thread.js';
import { AddComment, CommentItem, PostLog, ReadPost } from './operations.js';
import { postPageTexts } from './post-page-texts.js';
import { threadsOf } from './threads.js';
import styles from './post-page.module.css';

type Post = NonNullable<ReadPostQuery['post']>;

const Comments = ({
  post,
  isFetching,
  onMore,
}: {
  readonly post: Post;
  readonly isFetching: boolean;
  readonly onMore: (() => void) | undefined;
}) => {
  const t = useTexts(postPageTexts);
  const owner = useOwner();
  const { author, commentCount } = readFragment(CardOfPost, post);
  usePresence([author.id, ...post.comments.nodes.map((comment) => readFragment(CommentItem, comment).author.id)]);
  const [, add] = useMutation(AddComment);
  const threads = threadsOf(post.comments.nodes, (comment) => readFragment(CommentItem, comment)).filter(isThere);
  return (
    <section className={styles.comments} aria-labelledby="comments">
      <h2 id="comments">{commentCount === 0 ? t('comments') : t('count', { count: commentCount })}</h2>
      {threads.length === 0 && <p className={styles.none}>{t('none')}</p>}
      <ul>
        {threads.map((thread) => (
          <CommentThread key={thread.comment.id} postId={post.id} thread={thread} />
        ))}
      </ul>
      {post.comments.pageInfo.hasNextPage && (
        <Button busy={isFetching} onClick={onMore}>
          {t('more')}
        </Button>
      )}
      {owner === null ? (
        <Invitation>{t('invitation')}</Invitation>
      ) : (
        <WriteForm
          label={t('write')}
          submit={t('comment')}
          max={MAX_COMMENT}
          draft={`comment ${post.id}`}
          isPrimary
          onSend={async (body, clientId) => (await add({ input: { postId: post.id, body, clientId } })).error}
        />
      )}
    </section>
  );
};

const Gone = () => {
  const t = useTexts(postPageTexts);
  return (
    <EmptyState
      isPage
      title={t('goneTitle')}
      action={
        <Link to={paths.feed} className={buttonClass('primary')}>
          {t('toFeed')}
        </Link>
      }
    >
      {t('gone')}
    </EmptyState>
  );
};

const PostPage = () => {
  const { id } = useParams<{ id: string }>();
  return <OnePost key={id} id={id} />;
};

const OnePost = ({ id }: { readonly id: string }) => {
  const t = useTexts(postPageTexts);
  const [, navigate] = useLocation();
  const { after, moreOf } = usePages();
  const answer = useQuery({ query: ReadPost, variables: { id, after } });
  const [{ data }, again] = answer;
  const cursor = data?.post?.commentCursor;
  useLive({
    query: PostLog,
    variables: cursor === undefined ? null : { postId: id, after: cursor },
    about: id,
    onExpired: () => again({ requestPolicy: 'network-only' }),
  });
  useLiveCounts(cursor === undefined ? [] : [id]);
  return (
    <Answer
      of={answer}
      missing={<NotFoundPage />}
      loading={
        <PageBody>
          <Skeleton lines={8} />
        </PageBody>
      }
    >
      {({ post }, isFetching) => {
        if (!post) return <NotFoundPage />;
        const { author, deletedAt } = readFragment(CardOfPost, post);
        if (deletedAt !== null) return <Gone />;
        return (
          <Page title={t('title', { author: author.displayName })}>
            <PostCard post={post} isWhole onDeleted={() => navigate(paths.feed, { replace: true })} />
            <Comments post={post} isFetching={isFetching} onMore={moreOf(post.comments.pageInfo, isFetching).onMore} />
          </Page>
        );
      }}
    </Answer>
  );
};

export default PostPage;
