import { useState } from 'react';
import { useQuery } from 'urql';
import { Link, useSearch } from 'wouter';
import { Answer } from '../../app/answer.js';
import { Columns } from '../../app/columns.js';
import { Page } from '../../app/page.js';
import { paths } from '../../app/paths.js';
import { Button } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { RelativeTime } from '../../design/relative-time.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useTexts } from '../../i18n/language.js';
import { EntryRow, VaultCategories, VaultEntries } from './operations.js';
import { vaultTexts } from './vault-texts.js';
import styles from './vault-page.module.css';

const Row = ({ entry }: { readonly entry: FragmentType<typeof EntryRow> }) => {
  const t = useTexts(vaultTexts);
  const { slug, title, author, updatedAt } = readFragment(EntryRow, entry);
  return (
    <li>
      <Link to={paths.entry(slug)} className={styles.row}>
        <span className={styles.title} dir="auto">
          {title}
        </span>
        <span className={styles.about}>
          <span>{t('by', { author: author.displayName })}</span>
          <RelativeTime at={updatedAt} />
        </span>
      </Link>
    </li>
  );
};

const Categories = ({ selected }: { readonly selected: string | null }) => {
  const t = useTexts(vaultTexts);
  const answer = useQuery({ query: VaultCategories });
  return (
    <nav className={styles.categories} aria-label={t('categories')}>
      <Link to={paths.vault} className={styles.category} aria-current={selected === null ? 'page' : undefined}>
        {t('all')}
      </Link>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={5} />}>
        {({ categories }) =>
          categories.map(({ id, slug, name, entryCount }) => (
            <Link
              key={id}
              to={`${paths.vault}?category=${encodeURIComponent(slug)}`}
              className={styles.category}
              aria-current={selected === slug ? 'page' : undefined}
            >
              <span className={styles.name} dir="auto">
                {name}
              </span>
              <span className={styles.count} title={t('entryCount', { count: entryCount })}>
                {entryCount}
              </span>
            </Link>
          ))
        }
      </Answer>
    </nav>
  );
};

const Entries = ({ category }: { readonly category: string | null }) => {
  const t = useTexts(vaultTexts);
  const [after, setAfter] = useState<string | null>(null);
  const answer = useQuery({ query: VaultEntries, variables: { filter: category === null ? null : { category }, after } });
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
      {({ entries }, isFetching) =>
        entries === null || entries.nodes.length === 0 ? (
          <EmptyState title={t('emptyTitle')}>{t('emptyText')}</EmptyState>
        ) : (
          <>
            <ul className={styles.entries}>
              {entries.nodes.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </ul>
            {entries.pageInfo.hasNextPage && (
              <Button busy={isFetching} onClick={() => setAfter(entries.pageInfo.endCursor)}>
                {t('more')}
              </Button>
            )}
          </>
        )
      }
    </Answer>
  );
};

const VaultPage = () => {
  const t = useTexts(vaultTexts);
  const category = new URLSearchParams(useSearch()).get('category');
  return (
    <Columns list={<Categories selected={category} />} listLabel={t('categories')} narrow="page">
      <Page title={t('title')}>
        <Entries key={category} category={category} />
      </Page>
    </Columns>
  );
};

export default VaultPage;
