import { lazy, Suspense, useState } from 'react';
import { useMutation } from 'urql';
import { useOwner } from '../../api/api-provider.js';
import { PersonLink, useNameOf } from '../../app/people/person-link.js';
import { WriteForm } from '../../app/posts/write-form.js';
import { Avatar } from '../../design/avatar.js';
import { Prose } from '../../design/prose.js';
import { RelativeTime } from '../../design/relative-time.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { AddComment, CommentItem, EditComment } from './operations.js';
import { postPageTexts } from './post-page-texts.js';
import type { Thread } from './threads.js';
import actStyles from '../../app/act.module.css';
import styles from './comment-thread.module.css';

const CommentMenu = lazy(() => import('./comment-menu.js'));

export const MAX_COMMENT = 2_000;

export type Comment = FragmentType<typeof CommentItem> & {
  readonly id: string;
  readonly viewerCanEdit: boolean;
  readonly viewerCanDelete: boolean;
};

interface CommentThreadProps {
  readonly postId: string;
  readonly thread: Thread<Comment>;
}

/** Whether there is anything left to show of a thread: a deleted comment keeps its place for the replies to it. */
export const isThere = ({ comment, replies }: Thread<Comment>): boolean =>
  readFragment(CommentItem, comment as FragmentType<typeof CommentItem>).deletedAt === null || replies.some(isThere);

/** A comment and all replies to it. */
export const CommentThread = ({ postId, thread: { comment, replies } }: CommentThreadProps) => {
  const t = useTexts(postPageTexts);
  const owner = useOwner();
  const { id, body, bodyHtml, createdAt, editedAt, deletedAt, author } = readFragment(
    CommentItem,
    comment as FragmentType<typeof CommentItem>,
  );
  const [isReplying, setReplying] = useState(false);
  const [isEditing, setEditing] = useState(false);
  const [, add] = useMutation(AddComment);
  const [, edit] = useMutation(EditComment);
  const isMine = author.id === owner;
  const canEdit = comment.viewerCanEdit || isMine;
  const canDelete = comment.viewerCanDelete || isMine;
  const shown = replies.filter(isThere);
  const name = useNameOf()(author);
  return (
    <li className={styles.thread}>
      {deletedAt !== null ? (
        <p className={styles.deleted}>{t('deleted')}</p>
      ) : (
        <article className={styles.comment} aria-label={t('commentBy', { author: name })}>
          <header className={styles.head}>
            <PersonLink person={author} className={styles.author}>
              <Avatar name={name} of={author.username} size={24} />
              <span className={styles.name} dir="auto">
                {name}
              </span>
            </PersonLink>
            <span className={styles.when}>
              <RelativeTime at={createdAt} />
              {editedAt !== null && <span>{t('edited')}</span>}
            </span>
          </header>
          {isEditing ? (
            <WriteForm
              label={t('text')}
              submit={t('save')}
              max={MAX_COMMENT}
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
            <Prose html={bodyHtml} kind="message" />
          )}
          {owner !== null && !isEditing && (
            <footer className={styles.foot}>
              <button type="button" className={actStyles.act} aria-expanded={isReplying} onClick={() => setReplying(!isReplying)}>
                {t('reply')}
              </button>
              {(canEdit || canDelete) && (
                <Suspense fallback={<span className={styles.menuPlace} />}>
                  <CommentMenu
                    id={id}
                    author={name}
                    beginning={body}
                    onEdit={canEdit ? () => setEditing(true) : undefined}
                    canDelete={canDelete}
                  />
                </Suspense>
              )}
            </footer>
          )}
        </article>
      )}
      {isReplying && (
        <div className={styles.reply}>
          <WriteForm
            label={t('replyTo', { author: name })}
            submit={t('reply')}
            max={MAX_COMMENT}
            draft={`reply ${id}`}
            autoFocus
            onCancel={() => setReplying(false)}
            onSend={async (text, clientId) => {
              const { error } = await add({ input: { postId, replyToId: id, body: text, clientId } });
              if (!error) setReplying(false);
              return error;
            }}
          />
        </div>
      )}
      {shown.length > 0 && (
        <ul className={styles.replies}>
          {shown.map((reply) => (
            <CommentThread key={reply.comment.id} postId={postId} thread={reply} />
          ))}
        </ul>
      )}
    </li>
  );
};
