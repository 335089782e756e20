import { countEach } from '../../db/count.js';
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import { builder, type Types } from '../../graphql/builder.js';
import { childPage, connectionType, listPage, type CountedConnection, type NodeQuery } from '../../graphql/connection.js';
import type { Context } from '../../context.js';
import { Prisma, type Entry as EntryRow } from '../../db/generated/prisma/client.js';
import type { PageArgs } from '../../db/keyset.js';
import { badInput, notFound } from '../../errors.js';
import { decodeId, decodeIds, encodeId } from '../../graphql/ids.js';
import { batchedForAnyViewer } from '../../graphql/loaders.js';
import { longHtml, previewPrice, SAFE } from '../../graphql/html.js';
import { htmlOf } from '../../markdown/html.js';
import { mutation } from '../../graphql/mutation.js';
import { markdownText, text } from '../../graphql/text.js';
import { LONG_TEXT, LOOKED_UP, pagePrice, READ, SEARCH, STATEMENT, TEXT_SEARCH, WRITE } from '../../graphql/price.js';
import { viewerCan } from '../../graphql/viewer-can.js';
import { User, UserConnection } from '../account/schema.js';
import { likersOfEntry } from '../likes/schema.js';
import { viewerLikes } from '../likes/likes.js';
import { Category } from './category-schema.js';
import { createEntry, deleteEntry, featureEntry, findEntry, likeEntry, unlikeEntry, updateEntry, type UpdatedEntry } from './entries.js';
import { htmlOfEntry } from './entry-html.js';
import { entryOrders, listOf, tagsContaining, type EntryFilter as Filter, type EntryOrder as Order } from './lists.js';
import {
  can,
  contentText,
  MAX_CONTENT,
  MAX_SEARCH,
  MAX_TAG,
  MAX_TAGS,
  MAX_TITLE,
  isVisibleTo,
  tagTexts,
  titleText,
  visibleTo,
} from './rules.js';
import { entryLikeCount, type EntryLikeCount } from './topics.js';

/** The most tags in one response. */
const MAX_TAG_LIST = 100;

const authoredCount = batchedForAnyViewer(
  ({ db, viewer }, authorIds) =>
    countEach(db.prisma, authorIds, (id) => Prisma.sql`SELECT 1 FROM entry WHERE author_id = ${id} AND ${isVisibleTo(viewer)}`),
  0,
);

const hasLiked = viewerLikes('entry');

// ---------------------------------------------------------------- types

/**
 * Loads an entry for `node(id)` and `nodes(ids)`, in place of the loader of `prismaNode`. Whether the viewer may see it is checked on the
 * row: with a condition beside the id, Prisma would send a statement for each id instead of one for all.
 */
const loadWithoutCache = async (id: string, context: Context, info: GraphQLResolveInfo): Promise<EntryRow | null> => {
  const query: NodeQuery = queryFromInfo({ context, info, typeName: 'Entry' });
  const entry = await context.db.prisma.entry.findUnique({ ...query, where: { id } });
  return entry !== null && can(context.viewer, 'see', entry) ? entry : null;
};

/** The content is read only when it is selected, because a list of a hundred entries may contain megabytes. */
export const Entry = builder.prismaNode('Entry', {
  ...{ loadWithoutCache },
  id: { field: 'id', description: 'Its global id.' },
  nullable: true,
  select: {
    ...{ id: true, title: true, slug: true, tags: true, isPublic: true, isFeatured: true, version: true, likeCount: true },
    ...{ authorId: true, clientId: true, createdAt: true, updatedAt: true },
  },
  description: 'An entry of the knowledge vault. A private one is visible to its author only.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'Its title: one line.' }),
    slug: t.exposeString('slug', { description: 'The part of an address that stands for it. It stays when the title changes.' }),
    content: t.exposeString('content', { price: { own: LONG_TEXT }, description: 'Its text, as Markdown.' }),
    contentHtml: t.string({ select: { content: true }, ...longHtml(htmlOfEntry) }),
    category: t.relation('category', { nullable: true, description: 'What it is sorted under; null for nothing.' }),
    tags: t.exposeStringList('tags', { description: 'Further words to find it by, in lower case.' }),
    isPublic: t.exposeBoolean('isPublic', { description: 'Whether everyone sees it, or its author only.' }),
    isFeatured: t.exposeBoolean('isFeatured', { description: 'Whether moderators have marked it as worth reading.' }),
    author: t.relation('author', { description: 'Who wrote it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
    version: t.exposeInt('version', { description: 'Begins with 1 and grows with every change: the `expectedVersion` of the next one.' }),
    likeCount: t.exposeInt('likeCount', { description: 'How many users like it.' }),
    viewerHasLiked: t.boolean({
      price: READ,
      description: 'Whether the viewer likes it; false for anyone not signed in.',
      resolve: (entry, _args, context) => hasLiked(context, entry.id),
    }),
    likers: t.field({
      type: UserConnection,
      description: 'Who likes it, the latest first.',
      args: t.arg.connectionArgs(),
      resolve: (entry, args, context, info) => likersOfEntry(context, info, args, entry),
    }),
    viewerCanEdit: t.boolean(viewerCan('edit', can.rules.edit)),
    viewerCanDelete: t.boolean(viewerCan('delete', can.rules.delete)),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
  }),
});

export const EntryConnection = connectionType(Entry, 'Entry');

builder.prismaObjectFields(User, (t) => ({
  entries: t.field({
    type: EntryConnection,
    description: 'What this user has written, as far as the viewer may see it, newest first.',
    args: t.arg.connectionArgs(),
    resolve: (user, args, context, info) =>
      childPage(context, info, args, {
        list: { model: 'User', relation: 'entries', where: visibleTo(context.viewer) },
        parentId: user.id,
        keyset: entryOrders.NEWEST,
        count: authoredCount,
      }),
  }),
}));

const EntryOrder = builder.enumType('EntryOrder', {
  description: 'How a list of entries is ordered.',
  values: {
    NEWEST: { description: 'By the time of writing, the newest first.' },
    OLDEST: { description: 'By the time of writing, the oldest first.' },
    UPDATED: { description: 'By the last change, the latest first.' },
    POPULAR: { description: 'By the number of likes, the most first.' },
    TITLE: { description: 'By title, from A to Z, in the order of the Unicode Collation Algorithm: `Äpfel`, `apple`, `Zebra`.' },
  } as const,
});

const EntryFilter = builder.inputType('EntryFilter', {
  description: 'Which entries a list shows: those for which everything given here is true. An empty text says nothing.',
  fields: (t) => ({
    category: t.string({ validate: text(0, MAX_SEARCH), description: 'The name of their category, in any case, or else its slug.' }),
    tag: t.string({ validate: text(0, MAX_SEARCH), description: 'One of their tags, in any case.' }),
    author: t.string({ validate: text(0, MAX_SEARCH), description: 'The username of their author, in any case.' }),
    isFeatured: t.boolean({ description: 'Only those that moderators have featured; false for the others.' }),
    isPublic: t.boolean({ description: "Whether everyone sees them; false leaves the viewer's own private ones." }),
    search: t.string({
      validate: text(0, MAX_SEARCH),
      description: `A part of their title, content or tags, without accents and case; up to ${MAX_SEARCH} characters. Without three letters or digits in a row: how a word of the title begins, or a part of a tag.`,
    }),
  }),
});

// ---------------------------------------------------------------- queries

const entryList = async (
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  order: Order,
  filter: Filter,
): Promise<CountedConnection<EntryRow>> =>
  await listPage(context, info, args, { keyset: entryOrders[order], list: await listOf(context, filter) });

builder.queryField('entries', (t) =>
  t.field({
    type: EntryConnection,
    nullable: true,
    description: 'The entries that the viewer may see.',
    price: (args) => {
      const { search, category } = (args['filter'] ?? {}) as { readonly search?: unknown; readonly category?: unknown };
      const { own = 0, ...price } = pagePrice(args, search, TEXT_SEARCH);
      // A category is looked up by itself.
      return { ...price, own: own + (typeof category === 'string' ? STATEMENT : 0) };
    },
    args: {
      ...t.arg.connectionArgs(),
      filter: t.arg({ type: EntryFilter, description: 'Which entries to list; all that the viewer may see when left out.' }),
      orderBy: t.arg({ type: EntryOrder, defaultValue: 'NEWEST', description: 'The order of the list.' }),
    },
    resolve: (_root, args, context, info) => entryList(context, info, args, args.orderBy ?? 'NEWEST', args.filter ?? {}),
  }),
);

builder.queryField('popularEntries', (t) =>
  t.field({
    type: EntryConnection,
    nullable: true,
    description: 'The entries that the viewer may see, those with the most likes first.',
    args: t.arg.connectionArgs(),
    resolve: (_root, args, context, info) => entryList(context, info, args, 'POPULAR', {}),
  }),
);

/** The form of a slug; any other value finds nothing. */
const SLUG = /^[a-z0-9-]{1,200}$/;

const EntryBy = builder.inputType('EntryBy', {
  description: 'Which entry is meant: exactly one of the two is given.',
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: 'The id of the entry.' }),
    slug: t.string({ description: 'The slug of the entry, in any case.' }),
  }),
});

builder.queryField('entry', (t) =>
  t.prismaField({
    price: READ,
    type: Entry,
    nullable: true,
    description:
      'The entry with this id or this slug; null when there is none, or the viewer may not see it. Exactly one of the arguments is given.',
    args: {
      by: t.arg({ type: EntryBy, description: 'The id or the slug.' }),
      id: t.arg.id({ description: 'The id of the entry: the same as `by: { id }`.' }),
      slug: t.arg.string({ description: 'The slug of the entry, in any case: the same as `by: { slug }`.' }),
    },
    resolve: async (query, _root, { by, ...args }, { db, viewer }) => {
      const given = [by?.id, by?.slug, args.id, args.slug].filter((each) => typeof each === 'string');
      if (given.length !== 1) throw badInput({ path: 'by', code: 'EXCLUSIVE', message: 'Give either the id or the slug.' });
      const id = by?.id ?? args.id;
      const slug = by?.slug ?? args.slug ?? '';
      const key = typeof id === 'string' ? { id: decodeId('Entry', id, by?.id ? 'by.id' : 'id') } : { slug: slug.toLowerCase() };
      if (key.slug !== undefined && !SLUG.test(key.slug)) return null;
      return await db.prisma.entry.findFirst({ ...query, where: { AND: [key, visibleTo(viewer)] } });
    },
  }),
);

builder.queryField('tags', (t) =>
  t.stringList({
    nullable: true,
    price: { own: SEARCH, once: STATEMENT },
    description: `The tags of the entries that the viewer may see, the most frequent first, at most ${MAX_TAG_LIST}.`,
    args: {
      search: t.arg.string({ validate: text(0, MAX_SEARCH), description: 'Only those that contain this, without accents and case.' }),
    },
    resolve: (_root, { search }, context) => tagsContaining(context, search ?? '', MAX_TAG_LIST),
  }),
);

builder.queryField('markdownPreview', (t) =>
  t.string({
    nullable: true,
    authScopes: { signedIn: true },
    price: previewPrice,
    description: `A text that is being written, as an entry, a post, a comment or a message of it would show it: ${SAFE}.`,
    args: {
      text: t.arg.string({
        required: true,
        validate: markdownText(0, MAX_CONTENT),
        description: `The text, as Markdown; up to ${MAX_CONTENT} characters.`,
      }),
    },
    resolve: (_root, { text: source }, context) => htmlOf(context, source),
  }),
);

// ---------------------------------------------------------------- mutations

/** The name or the slug of a category; a slug may be slightly longer than the name. */
const categoryRef = text(1, MAX_SEARCH, { singleLine: true });
const TAGS = `At most ${MAX_TAGS} of 1 to ${MAX_TAG} characters; they are put into lower case, and of those that differ in writing alone (\`straße\`, \`strasse\`) the first stays.`;

const entryField = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, { readonly entry: EntryRow }>) =>
  t.field({ type: Entry, description: 'The entry.', resolve: ({ entry }) => entry });

/** A category whose number of entries has changed. */
const countedCategory = <Payload extends object>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>,
  description: string,
  idOf: (payload: Payload) => string | null,
) =>
  t.prismaField({
    type: Category,
    price: LOOKED_UP,
    nullable: true,
    description,
    resolve: (query, payload, _args, { db }) => {
      const id = idOf(payload);
      return id === null ? null : db.prisma.category.findUnique({ ...query, where: { id } });
    },
  });

mutation('createEntry', {
  description: 'Writes an entry. Guests may not.',
  access: 'MEMBER',
  scope: 'WRITE_KNOWLEDGE',
  limit: 'entry',
  price: { own: 1.5 * WRITE },
  input: {
    description: 'The entry to write.',
    fields: (t) => ({
      title: t.string({ required: true, check: titleText, description: `One line of 1 to ${MAX_TITLE} characters.` }),
      content: t.string({ required: true, check: contentText, description: `Its text, as Markdown; 1 to ${MAX_CONTENT} characters.` }),
      category: t.string({ check: categoryRef, description: 'The name of a category, in any case, or else its slug.' }),
      tags: t.stringList({ check: tagTexts, description: TAGS }),
      isPublic: t.boolean({ defaultValue: true, description: 'Whether everyone may see it.' }),
    }),
  },
  run: async (input, context) => ({ entry: await createEntry(context, input) }),
  // An entry is really deleted, and its row with it: only the stored result knows then that it has been there.
  payload: { description: 'The new entry.', reloaders: { entry: findEntry }, fields: (t) => ({ entry: entryField(t) }) },
});

/** The fields of what an edit gives back. */
export const updatedEntryFields = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, UpdatedEntry>) => ({
  entry: entryField(t),
  formerCategory: countedCategory(
    t,
    'The category that it was taken out of, with its `entryCount`; null when it stayed where it was.',
    (payload: UpdatedEntry) => payload.formerCategoryId,
  ),
});

mutation('updateEntry', {
  description:
    "Edits one of the viewer's entries. CONFLICT when it has been changed since the expected version: `extensions.currentVersion` and `current` (`title` and `content`) are what it is now, `base` what the edit was made from (null when that is not kept any more), and `merged` both together (null when they have changed the same lines): send it again with the present version.",
  access: 'signedIn',
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The entry to change, and what to change; fields left out stay as they are.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Entry', description: 'The entry.' }),
      expectedVersion: t.int({ required: true, description: 'The `version` that the change was made from.' }),
      title: t.string({ check: titleText, description: `One line of 1 to ${MAX_TITLE} characters.` }),
      content: t.string({ check: contentText, description: `Its text, as Markdown; 1 to ${MAX_CONTENT} characters.` }),
      category: t.string({
        check: categoryRef,
        description: 'The slug or the name of a category, in any case; null takes the entry out of its category.',
      }),
      tags: t.stringList({ check: tagTexts, description: `${TAGS} They take the place of the ones before; null takes all away.` }),
      isPublic: t.boolean({ description: 'Whether everyone may see it.' }),
    }),
  },
  run: (input, context) => updateEntry(context, input),
  payload: {
    description: 'The edited entry, and the category that it has left.',
    reloaders: { entry: findEntry },
    fields: updatedEntryFields,
  },
});

mutation('deleteEntry', {
  description: "Deletes an entry with its likes: the viewer's own, or for moderators anyone's that they see.",
  access: 'signedIn',
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The entry to delete.',
    fields: (t) => ({ id: t.id({ required: true, idOf: 'Entry', description: 'The entry.' }) }),
  },
  run: (input, context) => deleteEntry(context, input),
  payload: {
    description: 'The deleted entry, and the category that it was in.',
    fields: (t) => ({
      entryId: t.id({ description: 'The id of the deleted entry.', resolve: ({ id }) => encodeId('Entry', id) }),
      category: countedCategory(t, 'The category that it was in, with its `entryCount`; null for none.', ({ categoryId }) => categoryId),
    }),
  },
});

mutation('featureEntry', {
  description: "Marks an entry as featured, or takes the mark away. For moderators. The entry's `version` stays the same.",
  access: 'MODERATOR',
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The entry, and whether to feature it.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Entry', description: 'The entry.' }),
      isFeatured: t.boolean({ required: true, description: 'Whether it is to be featured.' }),
    }),
  },
  run: async (input, context) => ({ entry: await featureEntry(context, input) }),
  audit: ({ entry: { id, isFeatured } }) => ({ subject: { type: 'Entry', id }, detail: { isFeatured } }),
  payload: {
    description: 'The entry, with `isFeatured` as it is now.',
    reloaders: { entry: findEntry },
    fields: (t) => ({ entry: entryField(t) }),
  },
});

for (const [name, act, description] of [
  ['likeEntry', likeEntry, 'Likes an entry. Liking twice is liking once.'],
  ['unlikeEntry', unlikeEntry, 'Takes a like back. Nothing changes where there is none.'],
] as const) {
  mutation(name, {
    description,
    access: 'signedIn',
    scope: 'WRITE_KNOWLEDGE',
    input: {
      description: 'The entry to like, or to like no longer.',
      fields: (t) => ({ entryId: t.id({ required: true, idOf: 'Entry', description: 'The entry.' }) }),
    },
    run: ({ entryId }, context) => act(context, entryId),
    payload: {
      description: 'The entry, and how many like it now.',
      reloaders: { entry: findEntry },
      fields: (t) => ({
        entry: entryField(t),
        likeCount: t.int({ description: 'How many users like it now.', resolve: ({ likeCount }) => likeCount }),
      }),
    },
  });
}

// ---------------------------------------------------------------- live

/** The most entries that one subscription follows. */
const MAX_FOLLOWED = 100;

const EntryLikeCountType = builder.objectRef<EntryLikeCount>('EntryLikeCount').implement({
  description: 'How many likes an entry has.',
  fields: (t) => ({
    entryId: t.id({ description: 'The entry.', resolve: ({ entryId }) => encodeId('Entry', entryId) }),
    entry: t.prismaField({
      type: Entry,
      nullable: true,
      price: LOOKED_UP,
      description: 'The entry; null when it is not public any more.',
      resolve: (query, { entryId }, _args, { db }) => db.prisma.entry.findFirst({ ...query, where: { id: entryId, isPublic: true } }),
    }),
    count: t.exposeInt('count', { description: 'The number of likes.' }),
    version: t.exposeInt('version', { description: 'Grows with every change of the count.' }),
  }),
});

/** Those of the entries that everybody sees. @throws BAD_USER_INPUT for none, too many or what is no id of an entry; NOT_FOUND when there is none */
const publicEntries = async ({ db }: Context, ids: readonly string[]): Promise<string[]> => {
  const keys = decodeIds('Entry', ids, 'ids', { min: 1, max: MAX_FOLLOWED });
  const entries = await db.prisma.entry.findMany({ where: { id: { in: keys }, isPublic: true }, select: { id: true } });
  if (entries.length === 0) throw notFound('Entry');
  return entries.map(({ id }) => id);
};

builder.subscriptionField('entryLikeCountsChanged', (t) =>
  t.topic({
    type: EntryLikeCountType,
    topic: entryLikeCount,
    description:
      'How many likes several entries have, such as those on a page: the present number of each at once, then every change. Changes in quick succession may be told as one; the last is always told. Those that are not there, or not public, are left out.',
    args: { ids: t.arg.idList({ required: true, description: `The entries; 1 to ${MAX_FOLLOWED}.` }) },
    authorize: async ({ ids }, context) => ({ keys: await publicEntries(context, ids) }),
    resolve: (count) => count,
  }),
);
