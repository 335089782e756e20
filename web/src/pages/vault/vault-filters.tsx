import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useQuery } from 'urql';
import { Link, useLocation } from 'wouter';
import { Answer } from '../../app/answer.js';
import { useMedia } from '../../app/media.js';
import { useViewer } from '../../app/viewer.js';
import { Button } from '../../design/button.js';
import { Skeleton } from '../../design/skeleton.js';
import { TextField } from '../../design/text-field.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { VaultFilters as Filters } from './operations.js';
import { EVERYTHING, isFiltered, pathOf, type VaultAddress } from './vault-address.js';
import { vaultTexts } from './vault-texts.js';
import styles from './vault-filters.module.css';

/** More of them are shown when asked for. */
const FIRST_TAGS = 20;

interface FilterProps {
  readonly to: VaultAddress;
  readonly isChosen: boolean;
  readonly children: ReactNode;
  readonly className?: string | undefined;
}

const Filter = ({ to, isChosen, children, className = styles.row }: FilterProps) => (
  <Link to={pathOf({ ...to, isChoosing: false })} className={className} aria-current={isChosen ? 'true' : undefined}>
    {children}
  </Link>
);

const AuthorFilter = ({ address }: { readonly address: VaultAddress }) => {
  const t = useTexts(vaultTexts);
  const [, navigate] = useLocation();
  const choose = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const author = new FormData(event.currentTarget).get('author');
    navigate(pathOf({ ...address, author: typeof author === 'string' ? author.trim() : '', isChoosing: false }));
  };
  return (
    <form onSubmit={choose} className={styles.author}>
      <TextField
        key={address.author}
        name="author"
        label={t('author')}
        placeholder={t('authorHint')}
        defaultValue={address.author}
        maxLength={100}
        autoCapitalize="none"
        autoComplete="off"
        enterKeyHint="search"
      />
    </form>
  );
};

/** The list column: which entries are shown. One of each kind is chosen at a time, and kept when another kind is. */
export const VaultFilters = ({ address }: { readonly address: VaultAddress }) => {
  const t = useTexts(vaultTexts);
  const { number } = useFormats();
  const viewer = useViewer();
  const answer = useQuery({ query: Filters });
  const [allTags, setAllTags] = useState(false);
  // On a narrow screen it is a page of its own.
  const isPage = useMedia('(width < 768px)') && address.isChoosing;
  const [Title, Heading] = isPage ? (['h1', 'h2'] as const) : (['h2', 'h3'] as const);
  const username = viewer?.user.username ?? null;
  const isYours = username !== null && address.author.toLowerCase() === username.toLowerCase();
  return (
    <div className={styles.filters}>
      <div className={styles.head}>
        <Title className={styles.title}>{t('filters')}</Title>
        {address.isChoosing && <Link to={pathOf({ ...address, isChoosing: false })}>{t('toEntries')}</Link>}
      </div>
      <nav className={styles.group} aria-label={t('entries')}>
        <Filter to={{ ...EVERYTHING, order: address.order }} isChosen={!isFiltered(address)}>
          {t('all')}
        </Filter>
        <Filter to={{ ...address, only: address.only === 'featured' ? '' : 'featured' }} isChosen={address.only === 'featured'}>
          {t('featured')}
        </Filter>
        {username !== null && (
          <>
            <Filter to={{ ...address, author: isYours ? '' : username }} isChosen={isYours}>
              {t('yours')}
            </Filter>
            <Filter to={{ ...address, only: address.only === 'private' ? '' : 'private' }} isChosen={address.only === 'private'}>
              {t('private')}
            </Filter>
          </>
        )}
      </nav>
      <Answer of={answer} loading={<Skeleton kind="rows" lines={8} />}>
        {({ categories, tags }) => (
          <>
            {categories.length > 0 && (
              <nav className={styles.group} aria-label={t('categories')}>
                <Heading className={styles.heading}>{t('categories')}</Heading>
                {categories.map(({ id, slug, name, color, entryCount }) => {
                  const isChosen = address.category.toLowerCase() === slug;
                  return (
                    <Filter key={id} to={{ ...address, category: isChosen ? '' : slug }} isChosen={isChosen}>
                      <span className={styles.mark} style={{ backgroundColor: color }} aria-hidden="true" />
                      <span className={styles.name} dir="auto">
                        {name}
                      </span>
                      <span className={styles.count} title={t('entryCount', { count: entryCount })}>
                        {number(entryCount)}
                      </span>
                    </Filter>
                  );
                })}
              </nav>
            )}
            {tags !== null && tags.length > 0 && (
              <nav className={styles.group} aria-label={t('tags')}>
                <Heading className={styles.heading}>{t('tags')}</Heading>
                <div className={styles.tags}>
                  {tags.slice(0, allTags ? undefined : FIRST_TAGS).map((tag) => {
                    const isChosen = address.tag.toLowerCase() === tag;
                    return (
                      <Filter key={tag} to={{ ...address, tag: isChosen ? '' : tag }} isChosen={isChosen} className={styles.tag}>
                        <span dir="auto">{tag}</span>
                      </Filter>
                    );
                  })}
                </div>
                {!allTags && tags.length > FIRST_TAGS && (
                  <Button look="plain" onClick={() => setAllTags(true)}>
                    {t('moreTags')}
                  </Button>
                )}
              </nav>
            )}
          </>
        )}
      </Answer>
      <AuthorFilter address={address} />
    </div>
  );
};
