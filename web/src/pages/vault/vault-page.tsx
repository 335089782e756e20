import { X } from 'lucide-react';
import { useRef } from 'react';
import { useQuery } from 'urql';
import { Link, useLocation, useSearch } from 'wouter';
import { Columns } from '../../app/columns.js';
import { Page } from '../../app/page.js';
import { buttonClass } from '../../design/button.js';
import { classNames } from '../../design/class-names.js';
import { useTexts } from '../../i18n/language.js';
import { EntryList } from './entry-list.js';
import { EntrySearch } from './entry-search.js';
import { ORDERS, pathOf, readAddress, type VaultAddress } from './vault-address.js';
import { VaultFilters as Filters } from './operations.js';
import { VaultFilters } from './vault-filters.js';
import { vaultTexts } from './vault-texts.js';
import styles from './vault-page.module.css';
import { WriteLink } from './write-link.js';

/** What is chosen, each with a way to take it back. */
const Chosen = ({ address }: { readonly address: VaultAddress }) => {
  const t = useTexts(vaultTexts);
  const { search, category, tag, author, only } = address;
  // The filters beside it read them.
  const [{ data }] = useQuery({ query: Filters, requestPolicy: 'cache-only' });
  const categoryName = data?.categories.find(({ slug }) => slug === category)?.name ?? category;
  const chosen: readonly (readonly [text: string, without: Partial<VaultAddress>])[] = [
    ...(search === '' ? [] : [[t('searched', { words: search }), { search: '' }] as const]),
    ...(category === '' ? [] : [[t('ofCategory', { name: categoryName }), { category: '' }] as const]),
    ...(tag === '' ? [] : [[t('ofTag', { name: tag }), { tag: '' }] as const]),
    ...(author === '' ? [] : [[t('ofAuthor', { name: author }), { author: '' }] as const]),
    ...(only === '' ? [] : [[t(only), { only: '' as const }] as const]),
  ];
  if (chosen.length === 0) return null;
  return (
    <nav className={styles.chosen} aria-label={t('chosen')}>
      {chosen.map(([text, without]) => (
        <Link key={text} to={pathOf({ ...address, ...without })} className={styles.chip} aria-label={t('without', { filter: text })}>
          <span className={styles.chipText} dir="auto">
            {text}
          </span>
          <X size={16} aria-hidden="true" />
        </Link>
      ))}
    </nav>
  );
};

const VaultPage = () => {
  const t = useTexts(vaultTexts);
  const address = readAddress(useSearch());
  const [, navigate] = useLocation();
  const list = useRef<HTMLDivElement>(null);
  const search = (words: string): void =>
    // One step back leads out of a search, however often it was refined.
    navigate(pathOf({ ...address, search: words }), { replace: address.search !== '' && words !== '' });
  return (
    <Columns list={<VaultFilters address={address} />} listLabel={t('filters')} narrow={address.isChoosing ? 'list' : 'page'}>
      <Page title={t('title')} width="wide" actions={<WriteLink />}>
        <div className={styles.tools}>
          <EntrySearch
            value={address.search}
            onSearch={search}
            onEnter={() => list.current?.querySelector<HTMLElement>('a[tabindex="0"]')?.focus()}
          />
          <select
            className={styles.order}
            aria-label={t('order')}
            value={address.order}
            onChange={({ target }) => navigate(pathOf({ ...address, order: ORDERS.find((order) => order === target.value) ?? 'NEWEST' }))}
          >
            {ORDERS.map((order) => (
              <option key={order} value={order}>
                {t(order)}
              </option>
            ))}
          </select>
          <Link to={pathOf({ ...address, isChoosing: true })} className={classNames(buttonClass(), styles.toFilters)}>
            {t('showFilters')}
          </Link>
        </div>
        <Chosen address={address} />
        <div ref={list}>
          <EntryList address={address} />
        </div>
      </Page>
    </Columns>
  );
};

export default VaultPage;
