import { useQuery } from 'urql';
import { Link, useParams } from 'wouter';
import { Answer } from '../../app/answer.js';
import { Page, PageBody } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { Avatar } from '../../design/avatar.js';
import { Prose } from '../../design/prose.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { useTexts } from '../../i18n/language.js';
import NotFoundPage from '../not-found/not-found-page.js';
import { entryTexts } from './entry-texts.js';
import { ReadEntry } from './operations.js';
import styles from './entry-page.module.css';

const EntryPage = () => {
  const t = useTexts(entryTexts);
  const { slug } = useParams<{ slug: string }>();
  const answer = useQuery({ query: ReadEntry, variables: { slug } });
  const loading = (
    <PageBody>
      <Skeleton lines={8} />
    </PageBody>
  );
  return (
    <Answer of={answer} loading={loading}>
      {({ entry }) =>
        entry ? (
          <Page title={entry.title}>
            <p className={styles.about}>
              <Avatar name={entry.author.displayName} of={entry.author.username} size={24} />
              <Link to={paths.person(entry.author.username)}>{entry.author.displayName}</Link>
              <RelativeTime at={entry.updatedAt} />
              {entry.category && (
                <Link to={`${paths.vault}?category=${encodeURIComponent(entry.category.slug)}`}>{entry.category.name}</Link>
              )}
            </p>
            <Prose html={entry.contentHtml} />
            {entry.tags.length > 0 && (
              <ul className={styles.tags} aria-label={t('tags')}>
                {entry.tags.map((tag) => (
                  <li key={tag}>
                    <Link to={`${paths.vault}?tag=${encodeURIComponent(tag)}`}>{tag}</Link>
                  </li>
                ))}
              </ul>
            )}
          </Page>
        ) : (
          <NotFoundPage />
        )
      }
    </Answer>
  );
};

export default EntryPage;
