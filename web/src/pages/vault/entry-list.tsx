import { Heart, Lock, Star } from 'lucide-react';
import { useMemo } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { Answer } from '../../app/answer.js';
import { useEntryLikes } from '../../app/likes/use-entry-likes.js';
import { useMedia } from '../../app/media.js';
import { useNear } from '../../app/near.js';
import { usePages } from '../../app/pages-of-list.js';
import { paths } from '../../app/paths.js';
import { useNameOf } from '../../app/people/person-link.js';
import { buttonClass } from '../../design/button.js';
import { EmptyState } from '../../design/empty-state.js';
import { findWords } from '../../design/found.js';
import { Highlighted } from '../../design/highlighted.js';
import { RelativeTime } from '../../design/relative-time.js';
import { ScrolledList } from '../../design/scrolled-list.js';
import { Skeleton } from '../../design/skeleton.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { useFormats, useTexts } from '../../i18n/language.js';
import { EntryRow, VaultEntries } from './operations.js';
import { filterOf, isFiltered, type VaultAddress } from './vault-address.js';
import { vaultTexts } from './vault-texts.js';
import styles from './vault-page.module.css';
import { WriteLink } from './write-link.js';

interface RowProps {
  readonly entry: FragmentType<typeof EntryRow>;
  readonly words: string;
  readonly tabIndex: 0 | -1;
}

const Row = ({ entry, words, tabIndex }: RowProps) => {
  const t = useTexts(vaultTexts);
  const { number } = useFormats();
  const { slug, title, tags, author, category, updatedAt, likeCount, isPublic, isFeatured } = readFragment(EntryRow, entry);
  const authorName = useNameOf()(author);
  return (
    <Link to={paths.entry(slug)} className={styles.row} tabIndex={tabIndex}>
      <span className={styles.heading}>
        {category && <span className={styles.mark} style={{ backgroundColor: category.color }} title={category.name} aria-hidden="true" />}
        <span className={styles.title} dir="auto">
          <Highlighted text={title} words={words} />
        </span>
        {isFeatured && <Star size={16} aria-label={t('isFeatured')} role="img" />}
        {!isPublic && <Lock size={16} aria-label={t('isPrivate')} role="img" />}
      </span>
      <span className={styles.about}>
        {words !== '' &&
          tags
            .filter((tag) => findWords(tag, words) !== null)
            .slice(0, 3)
            .map((tag) => (
              <span key={tag} className={styles.tag} dir="auto">
                <Highlighted text={tag} words={words} />
              </span>
            ))}
        <span className={styles.author} dir="auto">
          {authorName}
        </span>
        {likeCount > 0 && (
          <span className={styles.likes} title={t('likes', { count: likeCount })}>
            <Heart size={12} aria-hidden="true" />
            {number(likeCount)}
          </span>
        )}
        <RelativeTime at={updatedAt} />
      </span>
    </Link>
  );
};

/** The likes of so many entries before and behind what is seen are kept as they are now. */
const STEP = 30;
const NONE: readonly FragmentType<typeof EntryRow>[] = [];

interface EntryListProps {
  readonly address: VaultAddress;
}

/** The entries that fit the address, as many as have been scrolled to. While others are asked for, those before stay. */
export const EntryList = ({ address }: EntryListProps) => {
  const t = useTexts(vaultTexts);
  // As the styles have it: what is above the screen is not measured when one comes back to a place.
  const rowPx = useMedia('(width < 768px)') ? 57 : 44;
  const filter = filterOf(address);
  const list = JSON.stringify([filter, address.order]);
  const { after, moreOf } = usePages(list);
  const answer = useQuery({ query: VaultEntries, variables: { filter, orderBy: address.order, after } });
  const [{ data, operation }] = answer;
  const { near, onRange } = useNear(data?.entries?.nodes ?? NONE, STEP);
  useEntryLikes(useMemo(() => near.map((entry) => readFragment(EntryRow, entry)), [near]));
  const isOfAnother = operation !== undefined && JSON.stringify([operation.variables.filter, operation.variables.orderBy]) !== list;
  return (
    <Answer of={answer} loading={<Skeleton kind="rows" lines={12} />}>
      {({ entries }, isFetching) => {
        if (entries === null) return null;
        const { nodes, pageInfo } = entries;
        if (nodes.length === 0 && isFetching) return <Skeleton kind="rows" lines={12} />;
        if (nodes.length === 0 && isFiltered(address))
          return (
            <EmptyState
              title={t('nothingTitle')}
              action={
                <Link to={paths.vault} className={buttonClass()}>
                  {t('showAll')}
                </Link>
              }
            >
              {t('nothingText')}
            </EmptyState>
          );
        if (nodes.length === 0)
          return (
            <EmptyState title={t('emptyTitle')} action={<WriteLink />}>
              {t('emptyText')}
            </EmptyState>
          );
        return (
          <>
            <ScrolledList
              items={nodes}
              keyOf={({ id }) => id}
              label={t('entries')}
              itemSize={rowPx}
              onEnd={isOfAnother ? undefined : moreOf(pageInfo, isFetching).onMore}
              onRange={onRange}
              isStale={isOfAnother}
            >
              {(entry, tabIndex) => <Row entry={entry} words={address.search} tabIndex={tabIndex} />}
            </ScrolledList>
            {pageInfo.hasNextPage && isFetching && <Skeleton kind="rows" lines={3} />}
          </>
        );
      }}
    </Answer>
  );
};
