import { Prisma, type Entry } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { entriesLog, entryLog, listKeys, type EntryEvents } from './topics.js';

/** What decides who hears of an entry, and in which lists. */
export type Listed = Pick<Entry, 'id' | 'authorId' | 'categoryId' | 'isPublic'> & { readonly tagKeys: readonly string[] };

/** The columns of it, with Prisma's names. */
export const LISTED = Prisma.sql`
  entry.id, entry.author_id AS "authorId", entry.category_id AS "categoryId", entry.is_public AS "isPublic", entry.tag_keys AS "tagKeys"`;

const keysOf = ({ authorId, categoryId, isPublic, tagKeys }: Listed): readonly string[] => [
  listKeys.own(authorId),
  ...(isPublic
    ? [
        listKeys.all,
        listKeys.author(authorId),
        ...tagKeys.map(listKeys.tag),
        ...(categoryId === null ? [] : [listKeys.category(categoryId)]),
      ]
    : []),
];

const tell = (tx: Pick<Tx, 'emit'>, kind: keyof EntryEvents, entry: Listed, keys: Iterable<string>): void => {
  const { id, authorId } = entry;
  const ref = { entryId: id, authorId, isPublic: entry.isPublic || kind === 'HIDDEN' };
  // Nobody follows an entry before it is there.
  if (kind !== 'ADDED') tx.emit(entryLog, id, kind, ref);
  for (const key of new Set(keys)) tx.emit(entriesLog, key, kind, ref);
};

/** Tells those who follow lists of a new entry. */
export const tellAdded = (tx: Pick<Tx, 'emit'>, entry: Listed): void => tell(tx, 'ADDED', entry, keysOf(entry));

/** Tells those who follow an entry, or a list that it was in or is in now, that it has changed. */
export const tellChanged = (tx: Pick<Tx, 'emit'>, before: Listed, after: Listed): void => {
  const kind = before.isPublic && !after.isPublic ? 'HIDDEN' : 'CHANGED';
  tell(tx, kind, after, [...keysOf(before), ...keysOf(after)]);
};

/** Tells them that it was featured, or is no longer. */
export const tellFeatured = (tx: Pick<Tx, 'emit'>, entry: Listed): void => tell(tx, 'FEATURED', entry, keysOf(entry));

/** Tells them that it is gone. */
export const tellDeleted = (tx: Pick<Tx, 'emit'>, entry: Listed): void => tell(tx, 'DELETED', entry, keysOf(entry));
