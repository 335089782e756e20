import { Link2, Lock, Pencil, Star, TableOfContents, Trash2, Type } from 'lucide-react';
import { lazy, Suspense, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useMutation, useQuery } from 'urql';
import { Link, useParams } from 'wouter';
import { useLive } from '../../api/live.js';
import { browserStorage } from '../../api/storage.js';
import { Answer } from '../../app/answer.js';
import { useCopy } from '../../app/copy.js';
import { LikeButton } from '../../app/likes/like-button.js';
import { useEntryLikes } from '../../app/likes/use-entry-likes.js';
import { WhoLikes } from '../../app/likes/who-likes.js';
import { Page, PageBody } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { usePresence } from '../../app/people/use-presence.js';
import { PersonLink, useNameOf } from '../../app/people/person-link.js';
import { preferences } from '../../app/preferences.js';
import { Avatar } from '../../design/avatar.js';
import { buttonClass, IconButton } from '../../design/button.js';
import { classNames } from '../../design/class-names.js';
import { Prose } from '../../design/prose.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import type { ReadEntryQuery } from '../../gql/graphql.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { useContents } from './contents.js';
import { entryTexts } from './entry-texts.js';
import { EntryChanges, LikeEntry, ReadEntry, UnlikeEntry } from './operations.js';
import styles from './entry-page.module.css';

type Entry = NonNullable<ReadEntryQuery['entry']>;

/** For those who may delete alone: readers load no dialogs. */
const DeleteDialog = lazy(() => import('./delete-dialog.js'));

/** Whether the contents are shown, in this browser. */
const CONTENTS = 'lyceum:contents';

const Acts = ({ entry }: { readonly entry: Entry }) => {
  const t = useTexts(entryTexts);
  const copy = useCopy();
  const { reading } = useSyncExternalStore(preferences.onChange, preferences.get);
  const [isDeleting, setIsDeleting] = useState(false);
  const { slug, viewerCanEdit, viewerCanDelete } = entry;
  return (
    <>
      <IconButton
        label={t('serif')}
        icon={<Type size={16} />}
        pressed={reading === 'serif'}
        onClick={() => preferences.set({ reading: reading === 'serif' ? 'sans' : 'serif' })}
      />
      <IconButton
        label={t('copyLink')}
        icon={<Link2 size={16} />}
        onClick={() => copy(new URL(paths.entry(slug), location.href).href, t('copied'))}
      />
      {viewerCanDelete && <IconButton label={t('delete')} icon={<Trash2 size={16} />} onClick={() => setIsDeleting(true)} />}
      {viewerCanEdit && (
        <Link to={paths.editEntry(slug)} className={buttonClass('primary')}>
          <Pencil size={16} aria-hidden="true" />
          {t('edit')}
        </Link>
      )}
      {isDeleting && (
        <Suspense>
          <DeleteDialog entry={entry} onClose={() => setIsDeleting(false)} />
        </Suspense>
      )}
    </>
  );
};

const About = ({ entry }: { readonly entry: Entry }) => {
  const t = useTexts(entryTexts);
  const { slug, author, category, createdAt, updatedAt, isPublic, isFeatured } = entry;
  const name = useNameOf()(author);
  usePresence([author.id]);
  const time = <RelativeTime key="time" at={updatedAt} />;
  return (
    <div className={styles.about}>
      <PersonLink person={author} className={styles.author}>
        <Avatar name={name} of={author.username} size={24} />
        <span dir="auto">{name}</span>
      </PersonLink>
      {updatedAt === createdAt ? (
        <span>{t.rich('written', { time })}</span>
      ) : (
        <Link to={paths.entryHistory(slug)}>{t.rich('changed', { time })}</Link>
      )}
      {category && (
        <Link to={paths.vaultOf({ category: category.slug })} className={styles.category}>
          <span className={styles.mark} style={{ backgroundColor: category.color }} aria-hidden="true" />
          <span dir="auto">{category.name}</span>
        </Link>
      )}
      {isFeatured && (
        <span className={styles.note}>
          <Star size={16} aria-hidden="true" />
          {t('isFeatured')}
        </span>
      )}
      {!isPublic && (
        <span className={styles.note}>
          <Lock size={16} aria-hidden="true" />
          {t('isPrivate')}
        </span>
      )}
    </div>
  );
};

const Reading = ({ entry, onChanged }: { readonly entry: Entry; readonly onChanged: () => void }) => {
  const t = useTexts(entryTexts);
  const text = useRef<HTMLDivElement>(null);
  const headings = useContents(text, entry.contentHtml);
  const { id, likeCount, viewerHasLiked, changeCursor } = entry;
  const [, like] = useMutation(LikeEntry);
  const [, unlike] = useMutation(UnlikeEntry);
  useEntryLikes(useMemo(() => [entry], [entry]));
  useLive({ query: EntryChanges, variables: { id, after: changeCursor }, about: id, onEvent: onChanged, onExpired: onChanged });
  const [hasContents, setHasContents] = useState(() => browserStorage.getItem(CONTENTS) === 'shown');
  const toggle = (): void => {
    browserStorage.setItem(CONTENTS, hasContents ? '' : 'shown');
    setHasContents(!hasContents);
  };
  const isOffered = headings.length > 1;
  return (
    <div className={classNames(styles.layout, isOffered && hasContents && styles.withContents)}>
      <Page
        title={entry.title}
        actions={
          <>
            {isOffered && <IconButton label={t('contents')} icon={<TableOfContents size={16} />} pressed={hasContents} onClick={toggle} />}
            <Acts entry={entry} />
          </>
        }
      >
        <About entry={entry} />
        <div ref={text}>
          <Prose html={entry.contentHtml} />
        </div>
        <footer className={styles.foot}>
          {entry.tags.length > 0 && (
            <ul className={styles.tags} aria-label={t('tags')}>
              {entry.tags.map((tag) => (
                <li key={tag}>
                  <Link to={paths.vaultOf({ tag })} className={styles.tag} dir="auto">
                    {tag}
                  </Link>
                </li>
              ))}
            </ul>
          )}
          <div className={styles.likes}>
            <LikeButton likeCount={likeCount} isLiked={viewerHasLiked} onLike={(isLiked) => (isLiked ? like : unlike)({ id })} />
            {likeCount > 0 && <WhoLikes of={id} />}
          </div>
          <Link to={paths.vaultOf({ author: entry.author.username })} className={styles.more}>
            {t('moreBy', { author: entry.author.displayName })}
          </Link>
        </footer>
      </Page>
      {isOffered && hasContents && (
        <nav className={styles.contents} aria-label={t('contents')}>
          <h2 className={styles.contentsTitle}>{t('contents')}</h2>
          {headings.map(({ id: part, text: heading, depth }) => (
            <a key={part} href={`#${part}`} data-depth={Math.min(depth, 4)} className={styles.part} dir="auto">
              {heading}
            </a>
          ))}
        </nav>
      )}
    </div>
  );
};

const EntryPage = () => {
  const { slug } = useParams<{ slug: string }>();
  return <EntryOf key={slug} slug={slug} />;
};

const EntryOf = ({ slug }: { readonly slug: string }) => {
  const answer = useQuery({ query: ReadEntry, variables: { slug } });
  const loading = (
    <PageBody>
      <Skeleton lines={10} />
    </PageBody>
  );
  return (
    <Answer of={answer} loading={loading}>
      {({ entry }) => (entry ? <Reading entry={entry} onChanged={() => answer[1]({ requestPolicy: 'network-only' })} /> : <NotFoundPage />)}
    </Answer>
  );
};

export default EntryPage;
