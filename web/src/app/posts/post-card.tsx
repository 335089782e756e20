import { MessageCircle } from 'lucide-react';
import { lazy, Suspense, useLayoutEffect, useRef, useState } from 'react';
import { useMutation } from 'urql';
import { Link } from 'wouter';
import { Avatar } from '../../design/avatar.js';
import { Handle } from '../../design/handle.js';
import { Prose } from '../../design/prose.js';
import { RelativeTime } from '../../design/relative-time.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { LikeButton } from '../likes/like-button.js';
import { WhoLikes } from '../likes/who-likes.js';
import { paths } from '../paths.js';
import { PersonLink, useNameOf } from '../people/person-link.js';
import { EditPost, LikePost, PostCard as Card, UnlikePost } from './operations.js';
import { postTexts } from './post-texts.js';
import { WriteForm } from './write-form.js';
import actStyles from '../act.module.css';
import styles from './post-card.module.css';

/** For those who may do more than read: a visitor loads no menus and dialogs. */
const PostMenu = lazy(() => import('./post-menu.js'));

export const MAX_POST = 10_000;

interface PostCardProps {
  readonly post: FragmentType<typeof Card>;
  /** On its own page it is shown whole, and leads nowhere. */
  readonly isWhole?: boolean;
  readonly onDeleted?: () => void;
}

/** A post with its likes and comments, as they are now. */
export const PostCard = ({ post, isWhole = false, onDeleted }: PostCardProps) => {
  const t = useTexts(postTexts);
  const { number } = useFormats();
  const { id, body, bodyHtml, createdAt, editedAt, likeCount, commentCount, viewerHasLiked, viewerCanEdit, viewerCanDelete, author } =
    readFragment(Card, post);
  const [isEditing, setEditing] = useState(false);
  const [isLong, setLong] = useState(false);
  const name = useNameOf()(author);
  const text = useRef<HTMLDivElement>(null);
  const [, edit] = useMutation(EditPost);
  const [, like] = useMutation(LikePost);
  const [, unlike] = useMutation(UnlikePost);
  useLayoutEffect(() => {
    const { current } = text;
    if (current) setLong(current.scrollHeight > current.clientHeight + 1);
  }, [bodyHtml, isEditing]);
  return (
    <article className={styles.card} aria-label={t('postBy', { author: name })}>
      <header className={styles.head}>
        <PersonLink person={author} className={styles.author}>
          <Avatar name={name} of={author.username} size={40} />
          <span className={styles.names}>
            <span className={styles.name} dir="auto">
              {name}
            </span>
            {!author.isDeleted && <Handle of={author.username} className={styles.username} />}
          </span>
        </PersonLink>
        <span className={styles.when}>
          <Link to={paths.post(id)} className={styles.time}>
            <RelativeTime at={createdAt} />
          </Link>
          {editedAt !== null && <span>{t('edited')}</span>}
        </span>
        {(viewerCanEdit || viewerCanDelete) && (
          <Suspense fallback={<span className={styles.menuPlace} />}>
            <PostMenu
              id={id}
              author={name}
              onEdit={viewerCanEdit ? () => setEditing(true) : undefined}
              canDelete={viewerCanDelete}
              beginning={body}
              onDeleted={onDeleted}
            />
          </Suspense>
        )}
      </header>
      {isEditing ? (
        <WriteForm
          label={t('text')}
          submit={t('save')}
          max={MAX_POST}
          draft={null}
          initial={body}
          autoFocus
          onCancel={() => setEditing(false)}
          onSend={async (next) => {
            const { error } = await edit({ input: { id, body: next } });
            if (!error) setEditing(false);
            return error;
          }}
        />
      ) : (
        <>
          <div ref={text} className={isWhole ? undefined : styles.clamped} data-long={isLong || undefined}>
            <Prose html={bodyHtml} kind={isWhole ? 'reading' : 'message'} />
          </div>
          {isLong && !isWhole && (
            <Link to={paths.post(id)} className={styles.readOn}>
              {t('readOn')}
            </Link>
          )}
        </>
      )}
      <footer className={styles.foot}>
        <LikeButton likeCount={likeCount} isLiked={viewerHasLiked} onLike={(isLiked) => (isLiked ? like : unlike)({ postId: id })} />
        {!isWhole && (
          <Link to={paths.post(id)} className={actStyles.act} title={t('comments', { count: commentCount })}>
            <MessageCircle size={16} aria-hidden="true" />
            <span aria-hidden="true">{number(commentCount)}</span>
            <span className="visually-hidden">{t('comments', { count: commentCount })}</span>
          </Link>
        )}
        {isWhole && likeCount > 0 && <WhoLikes of={id} />}
      </footer>
    </article>
  );
};
