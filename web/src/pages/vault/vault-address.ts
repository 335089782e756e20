import type { EntryFilter, EntryOrder } from '../../gql/graphql.js';
import { paths } from '../../app/paths.js';

export const ORDERS = ['NEWEST', 'UPDATED', 'POPULAR', 'TITLE', 'OLDEST'] as const satisfies readonly EntryOrder[];

/** What the vault shows, as its address says it. An empty text says nothing. */
export interface VaultAddress {
  readonly search: string;
  readonly category: string;
  readonly tag: string;
  readonly author: string;
  readonly order: EntryOrder;
  readonly only: '' | 'featured' | 'private';
  /** Whether a narrow screen shows the filters instead of the entries. */
  readonly isChoosing: boolean;
}

export const EVERYTHING: VaultAddress = {
  search: '',
  category: '',
  tag: '',
  author: '',
  order: 'NEWEST',
  only: '',
  isChoosing: false,
};

/** @param query the part of an address after `?` */
export const readAddress = (query: string): VaultAddress => {
  const given = new URLSearchParams(query);
  const only = given.get('only');
  return {
    search: given.get('search') ?? '',
    category: given.get('category') ?? '',
    tag: given.get('tag') ?? '',
    author: given.get('author') ?? '',
    order: ORDERS.find((order) => order.toLowerCase() === given.get('order')) ?? 'NEWEST',
    only: only === 'featured' || only === 'private' ? only : '',
    isChoosing: given.has('filters'),
  };
};

export const pathOf = ({ order, isChoosing, ...texts }: VaultAddress): string => {
  const query = new URLSearchParams(Object.entries(texts).filter(([, text]) => text !== ''));
  if (order !== 'NEWEST') query.set('order', order.toLowerCase());
  if (isChoosing) query.set('filters', '');
  return query.size === 0 ? paths.vault : `${paths.vault}?${query.toString()}`;
};

/** Whether it leaves anything out. */
export const isFiltered = ({ search, category, tag, author, only }: VaultAddress): boolean =>
  [search, category, tag, author, only].some((text) => text !== '');

export const filterOf = ({ search, category, tag, author, only }: VaultAddress): EntryFilter => ({
  ...(search === '' ? {} : { search }),
  ...(category === '' ? {} : { category }),
  ...(tag === '' ? {} : { tag }),
  ...(author === '' ? {} : { author }),
  ...(only === 'featured' ? { isFeatured: true } : only === 'private' ? { isPublic: false } : {}),
});
