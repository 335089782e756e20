import type { GraphQLError } from 'graphql';
import type { Context, Services } from '../../context.js';
import { createOnce } from '../../db/client-id.js';
import type { Database } from '../../db/database.js';
import { isForeignKeyViolation } from '../../observability/failures.js';
import { Prisma, type Entry } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { badInput, coded, notFound } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { addLikes, LIKING, removeLikes, type Likeable, type LikeChange } from '../likes/likes.js';
import { notifying, tellOpened, withdraw, withdrawAll, type Opened } from '../notifications/notifications.js';
import { findCategory } from './categories.js';
import { collide } from './collisions.js';
import { LISTED, tellAdded, tellChanged, tellDeleted, tellFeatured, type Listed } from './entry-events.js';
import { renderEntryTask } from './entry-html.js';
import { withFreeSlug } from './free-slug.js';
import { can, tagColumns } from './rules.js';
import { slugify } from './slug.js';
import { entryLikeCount } from './topics.js';

export interface NewEntry {
  readonly title: string;
  readonly content: string;
  /** The name or the slug of a category. */
  readonly category?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  /** Left out: public. */
  readonly isPublic?: boolean | null | undefined;
  readonly clientId?: string | null | undefined;
}

export interface EntryChanges extends Omit<Partial<NewEntry>, 'clientId' | 'title' | 'content'> {
  readonly id: string;
  readonly expectedVersion: number;
  readonly title?: string | null | undefined;
  readonly content?: string | null | undefined;
}

/** Reads an entry. @throws NOT_FOUND, also for an entry that the viewer may not see */
export const findEntry = async (context: Context, id: string): Promise<Entry> => {
  const entry = await context.db.prisma.entry.findUnique({ where: { id } });
  if (entry === null || !can(context.viewer, 'see', entry)) throw notFound('Entry');
  return entry;
};

const unknownCategory = (): GraphQLError => badInput({ path: 'input.category', code: 'NOT_FOUND', message: 'There is no such category.' });

/** The id of a category. @throws BAD_USER_INPUT when it does not exist */
const categoryIdOf = async (db: Database, slugOrName: string | null | undefined): Promise<string | null> => {
  if (slugOrName === null || slugOrName === undefined) return null;
  const category = await findCategory(db, slugOrName);
  if (category === null) throw unknownCategory();
  return category.id;
};

/**
 * Creates an entry of the viewer. The row keeps the `clientId` for as long as it is there; what it answers after its deletion is kept by the
 * mutation.
 * @throws BAD_USER_INPUT for an unknown category, CONFLICT for a `clientId` used with other input
 */
export const createEntry = async (context: Context, input: NewEntry): Promise<Entry> => {
  const { prisma } = context.db;
  const authorId = viewerOf(context).id;
  return await createOnce(
    input.clientId,
    { ...input },
    (clientId) => prisma.entry.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    (key) => insertEntry(context, authorId, input, key),
    'find',
  );
};

/**
 * Inserts an entry from validated input.
 * @throws BAD_USER_INPUT for an unknown category
 */
export const insertEntry = async (
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  authorId: string,
  input: NewEntry,
  further: Partial<Pick<Entry, 'clientId' | 'clientDigest' | 'isFeatured'>> = {},
): Promise<Entry> => {
  const { title, content } = input;
  const categoryId = await categoryIdOf(db, input.category);
  const now = new Date(clock.now());
  try {
    return await db.transact(async (tx) => {
      const inserted = await withFreeSlug(
        slugify(title),
        async (slugs) => (await tx.entry.findMany({ where: { slug: { in: slugs } }, select: { slug: true } })).map(({ slug }) => slug),
        async (slug) => {
          const [entry] = await tx.entry.createManyAndReturn({
            data: {
              ...further,
              ...{ title, content, slug, authorId, categoryId, createdAt: now, updatedAt: now },
              ...tagColumns(input.tags ?? []),
              isPublic: input.isPublic ?? true,
            },
            // Not by an exception, which would cost the transaction.
            skipDuplicates: true,
          });
          return entry ?? null;
        },
      );
      tellAdded(tx, inserted);
      tx.enqueue(renderEntryTask, { id: inserted.id });
      return inserted;
    });
  } catch (error) {
    // The category was deleted after it was looked up.
    if (categoryId !== null && isForeignKeyViolation(error)) throw unknownCategory();
    throw error;
  }
};

/** An edit that was made from a version that is not the present one, with what its author needs to go on. */
const stale = async (context: Context, present: Entry, change: EntryChanges): Promise<GraphQLError> => {
  const { version: currentVersion, title, content } = present;
  return coded('CONFLICT', `The entry has been changed meanwhile; its version is ${currentVersion} now.`, {
    currentVersion,
    current: { title, content },
    ...(await collide(context, present, change)),
  });
};

export interface UpdatedEntry {
  readonly entry: Entry;
  /** The category that the entry has left; null when its category is unchanged. */
  readonly formerCategoryId: string | null;
}

/**
 * Changes the given fields. The version grows by one when anything differs, and of several updates with the same expected version one
 * succeeds. The slug never changes, because links contain it.
 * @throws NOT_FOUND, FORBIDDEN for another user's entry, BAD_USER_INPUT for an unknown category, CONFLICT when the entry does not have the
 *   expected version, with `currentVersion` and the texts (see {@link stale})
 */
export const updateEntry = async (context: Context, input: EntryChanges): Promise<UpdatedEntry> => {
  const { db, clock } = context;
  const entry = await findEntry(context, input.id);
  if (!can(viewerOf(context), 'edit', entry)) throw coded('FORBIDDEN', 'Only its author may edit an entry.');
  const version = input.expectedVersion;
  if (entry.version !== version) throw await stale(context, entry, input);

  const data = {
    title: input.title ?? entry.title,
    content: input.content ?? entry.content,
    categoryId: input.category === undefined ? entry.categoryId : await categoryIdOf(db, input.category),
    ...tagColumns(input.tags === undefined ? entry.tags : (input.tags ?? [])),
    isPublic: input.isPublic ?? entry.isPublic,
  };
  const { title, content, categoryId, tags, tagKeys, isPublic } = entry;
  if (JSON.stringify(data) === JSON.stringify({ title, content, categoryId, tags, tagKeys, isPublic }))
    return { entry, formerCategoryId: null };

  try {
    const updated = await db.transact(async (tx) => {
      const [changed] = await tx.entry.updateManyAndReturn({
        where: { id: entry.id, version },
        data: { ...data, editorId: viewerOf(context).id, version: { increment: 1 }, updatedAt: new Date(clock.now()) },
      });
      if (changed === undefined) return null;
      tellChanged(tx, entry, changed);
      tx.enqueue(renderEntryTask, { id: changed.id });
      return changed;
    });
    if (updated !== null) return { entry: updated, formerCategoryId: categoryId === data.categoryId ? null : categoryId };
  } catch (error) {
    if (data.categoryId !== null && isForeignKeyViolation(error)) throw unknownCategory();
    throw error;
  }
  throw await stale(context, await findEntry(context, entry.id), input);
};

/** Deletes an entry and its likes. @returns its id and category. @throws NOT_FOUND, FORBIDDEN */
export const deleteEntry = async (context: Context, input: { readonly id: string }): Promise<Pick<Entry, 'id' | 'categoryId'>> => {
  const viewer = viewerOf(context);
  const entry = await findEntry(context, input.id);
  if (!can(viewer, 'delete', entry)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete an entry.');
  await context.db.transact(async (tx) => {
    // The DELETE waits for transactions that like the entry, so their notifications exist before they are withdrawn.
    const [deleted] = await tx.$queryRaw<Listed[]>`DELETE FROM entry WHERE id = ${entry.id}::uuid RETURNING ${LISTED}`;
    // As it was when it went: another may have put it into another list since it was read.
    if (deleted !== undefined) tellDeleted(tx, deleted);
    await withdrawAll(tx, { kind: 'LIKE', userId: entry.authorId, subject: { type: 'Entry', id: entry.id } });
    if (!can(viewer, 'edit', entry))
      tx.audit('deleteEntry', { type: 'Entry', id: entry.id }, { authorId: entry.authorId, title: entry.title });
  });
  return { id: entry.id, categoryId: entry.categoryId };
};

/** Sets or removes the featured mark; it is no change of the entry, so the version stays. @throws NOT_FOUND */
export const featureEntry = async (context: Context, input: { readonly id: string; readonly isFeatured: boolean }): Promise<Entry> => {
  const { id } = await findEntry(context, input.id);
  const { isFeatured } = input;
  return await context.db.transact(async (tx) => {
    const [marked] = await tx.entry.updateManyAndReturn({ where: { id, isFeatured: !isFeatured }, data: { isFeatured } });
    if (marked !== undefined) tellFeatured(tx, marked);
    const entry = marked ?? (await tx.entry.findUnique({ where: { id } }));
    if (entry === null) throw notFound('Entry');
    return entry;
  });
};

const LIKEABLE: Likeable = {
  kind: 'entry',
  lock: (id) => Prisma.sql`SELECT id FROM entry WHERE id = ${id}::uuid FOR NO KEY UPDATE`,
  count: (id) => Prisma.sql`
    UPDATE entry SET like_count = like_count + change.size FROM change WHERE entry.id = ${id}::uuid
    RETURNING entry.like_count AS count, entry.author_id AS "authorId"`,
};

/** Likes an entry; repeating it changes nothing. @throws NOT_FOUND */
export const likeEntry = (context: Context, id: string): Promise<LikedEntry> =>
  changeLike(context, id, async (tx, { title }) => {
    const about = { kind: 'LIKE', subject: { type: 'Entry', id }, data: { title } } as const;
    const like = await addLikes(tx, LIKEABLE, id, [viewerOf(context).id], notifying(about, LIKING));
    if (like !== null) await tellOpened(tx, like.further as Opened);
    return like;
  });

/** Removes a like; a missing one is ignored. @throws NOT_FOUND */
export const unlikeEntry = (context: Context, id: string): Promise<LikedEntry> =>
  changeLike(context, id, async (tx, { authorId }) => {
    const actorId = viewerOf(context).id;
    const like = await removeLikes(tx, LIKEABLE, id, [actorId]);
    if (like !== null) await withdraw(tx, { kind: 'LIKE', userId: authorId, actorId, subject: { type: 'Entry', id } });
    return like;
  });

interface LikedEntry {
  readonly entry: Entry;
  /** The number of likes after the change. */
  readonly likeCount: number;
}

const changeLike = async (
  context: Context,
  id: string,
  change: (tx: Tx, entry: Entry) => Promise<LikeChange | null>,
): Promise<LikedEntry> => {
  const before = await findEntry(context, id);
  const changed = await context.db.transact(async (tx) => {
    const like = await change(tx, before);
    if (like !== null) tx.emit(entryLikeCount, id);
    return like;
  });
  const entry = await findEntry(context, id);
  return { entry, likeCount: changed?.count ?? entry.likeCount };
};
