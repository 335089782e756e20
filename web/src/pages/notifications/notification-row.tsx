import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { NotificationItem } from '../../app/operations.js';
import { paths } from '../../app/paths.js';
import { Avatar } from '../../design/avatar.js';
import { RelativeTime } from '../../design/relative-time.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import type { NotificationItemFragment } from '../../gql/graphql.js';
import { useTexts, type Translate } from '../../i18n/language.js';
import { notificationsTexts } from './notifications-texts.js';
import styles from './notifications-page.module.css';

type Words = Translate<(typeof notificationsTexts)['en']>;

/** Who did it: the latest one or two by name, and how many others. */
const whoOf = ({ actors, actorCount }: NotificationItemFragment, t: Words): ReactNode => {
  const [first, second] = actors.map(({ id, displayName }) => (
    <strong key={id} dir="auto">
      {displayName}
    </strong>
  ));
  if (first === undefined) return null;
  if (actorCount <= 1 || second === undefined) return first;
  return actorCount === 2 ? t.rich('two', { first, second }) : t.rich('others', { actor: first, count: actorCount - 1 });
};

/** The sentence in the language of the page; the server's own where this client knows none. */
const sentenceOf = (item: NotificationItemFragment, t: Words): ReactNode => {
  const who = <span key="who">{whoOf(item, t)}</span>;
  const { kind, subject, actors, text } = item;
  if (actors.length === 0) return text;
  switch (kind) {
    case 'LIKE':
      if (subject?.__typename === 'Entry') return t.rich('likeEntry', { who, title: subject.title });
      return subject?.__typename === 'Post' ? t.rich('likePost', { who }) : text;
    case 'COMMENT':
      return t.rich('comment', { who });
    case 'FOLLOW':
      return t.rich('follow', { who });
    case 'MENTION':
      return t.rich('mention', { who });
    case 'MESSAGE':
      return t.rich('message', { who });
    default:
      return text;
  }
};

/** Where it leads; null when what it is about is gone. */
const addressOf = ({ subject }: NotificationItemFragment): string | null => {
  switch (subject?.__typename) {
    case 'Post':
      return paths.post(subject.id);
    case 'Comment':
      return paths.post(subject.post.id);
    case 'Entry':
      return paths.entry(subject.slug);
    case 'Message':
      return paths.conversation(subject.conversation.id);
    case 'Conversation':
      return paths.conversation(subject.id);
    case 'User':
      return paths.person(subject.username);
    default:
      return null;
  }
};

interface NotificationRowProps {
  readonly notification: FragmentType<typeof NotificationItem>;
  /** It was opened. */
  readonly onOpen: (id: string) => void;
}

export const NotificationRow = ({ notification, onOpen }: NotificationRowProps) => {
  const t = useTexts(notificationsTexts);
  const item = readFragment(NotificationItem, notification);
  const { id, actors, createdAt, readAt } = item;
  const [actor] = actors;
  const address = addressOf(item);
  const content = (
    <>
      {actor && <Avatar name={actor.displayName} of={actor.username} />}
      <span className={styles.text}>
        <span>{sentenceOf(item, t)}</span>
        <span className={styles.time}>
          <RelativeTime at={createdAt} />
        </span>
      </span>
      {readAt === null && (
        <span className={styles.unread}>
          <span className="visually-hidden">{t('isUnread')}</span>
        </span>
      )}
    </>
  );
  return address === null ? (
    <div className={styles.row}>{content}</div>
  ) : (
    <Link to={address} className={styles.row} onClick={() => onOpen(id)}>
      {content}
    </Link>
  );
};
