import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context.js';
import { builder } from '../../graphql/builder.js';
import { childPage, connectionType, nodeQuery, type NodeQuery } from '../../graphql/connection.js';
import type { EntryRevision as EntryRevisionRow } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import { decodeId } from '../../graphql/ids.js';
import { LONG_TEXT, STATEMENT } from '../../graphql/price.js';
import { mutation } from '../../graphql/mutation.js';
import { differenceOf, MAX_PARTS, type Part } from './differences.js';
import { findEntry } from './entries.js';
import { compareRevisions, restoreRevision, revisionCount, revisionsVisibleTo, seesRevision, type Compared } from './revisions.js';
import { Entry, updatedEntryFields } from './schema.js';

// ---------------------------------------------------------------- revisions

/** Whether the viewer sees it is checked on the rows: with a condition beside the id, Prisma would send a statement for each id of `nodes(ids)`. */
const loadWithoutCache = async (id: string, context: Context, info: GraphQLResolveInfo): Promise<EntryRevisionRow | null> => {
  const { prisma } = context.db;
  const query: NodeQuery = nodeQuery(context, info, 'EntryRevision');
  const revision = await prisma.entryRevision.findUnique({ ...query, where: { id } });
  if (revision === null) return null;
  const entry = await prisma.entry.findUnique({ where: { id: revision.entryId }, select: { authorId: true, isPublic: true } });
  return entry !== null && seesRevision(context.viewer, revision, entry) ? revision : null;
};

const EntryRevision = builder.prismaNode('EntryRevision', {
  ...{ loadWithoutCache },
  id: { field: 'id', description: 'Its global id.' },
  nullable: true,
  select: { id: true, entryId: true, version: true, title: true, tags: true, isPublic: true, createdAt: true, editorId: true },
  description: 'What an entry said in one of its versions.',
  fields: (t) => ({
    version: t.exposeInt('version', {
      description: 'The `version` of the entry: it grows, not always by one from one revision to the next.',
    }),
    title: t.exposeString('title', { description: 'The title then.' }),
    content: t.exposeString('content', { price: { own: LONG_TEXT }, description: 'The text then, as Markdown.' }),
    tags: t.exposeStringList('tags', { description: 'The tags then.' }),
    isPublic: t.exposeBoolean('isPublic', {
      description: 'Whether everyone saw the entry then; other revisions are seen by its author only.',
    }),
    editor: t.relation('editor', { description: 'Who made this version.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
});

export const EntryRevisionConnection = connectionType(EntryRevision, 'EntryRevision');

const latestFirst: Keyset<EntryRevisionRow> = {
  name: 'entryRevisions',
  columns: [{ field: 'version', type: 'int', direction: 'desc', value: ({ version }) => version }],
};

builder.prismaObjectFields(Entry, (t) => ({
  revisions: t.field({
    type: EntryRevisionConnection,
    description:
      'Its versions, the latest first: the last 1,000, the present one included. Those of a time when it was private are seen by its author only.',
    args: t.arg.connectionArgs(),
    resolve: (entry, args, context, info) =>
      childPage(context, info, args, {
        list: { model: 'Entry', relation: 'revisions', where: revisionsVisibleTo(context.viewer) },
        parentId: entry.id,
        keyset: latestFirst,
        count: revisionCount,
      }),
  }),
}));

// ---------------------------------------------------------------- differences

const DifferenceKind = builder.enumType('DifferenceKind', {
  description: 'In which of two texts some lines are.',
  values: {
    SAME: { description: 'In both.' },
    REMOVED: { description: 'In the first only.' },
    ADDED: { description: 'In the second only.' },
  } as const,
});

const DifferencePart = builder.objectRef<Part>('DifferencePart').implement({
  description: 'Whole lines in a row.',
  fields: (t) => ({
    kind: t.expose('kind', { type: DifferenceKind, description: 'In which of the two texts they are.' }),
    text: t.exposeString('text', { description: 'The lines, as Markdown, without the end of the last one.' }),
  }),
});

const EntryDifference = builder.objectRef<Compared>('EntryDifference').implement({
  description: 'What differs between two revisions of an entry.',
  fields: (t) => ({
    from: t.field({ type: EntryRevision, description: 'The first revision.', resolve: ({ from }) => from }),
    to: t.field({ type: EntryRevision, description: 'The second revision.', resolve: ({ to }) => to }),
    parts: t.field({
      type: [DifferencePart],
      price: { own: 2 * LONG_TEXT, items: MAX_PARTS },
      description:
        'Their texts side by side: those that are not ADDED, joined by ends of lines, are the first text, and those that are not REMOVED the second. Of texts that have hardly a line in common all is REMOVED and all is ADDED.',
      resolve: ({ from, to }) => [...differenceOf(from.content, to.content)],
    }),
  }),
});

builder.queryField('entryDifference', (t) =>
  t.field({
    type: EntryDifference,
    nullable: true,
    price: { own: 3 * STATEMENT },
    description: 'What differs between two revisions of an entry, whichever is the older one.',
    args: {
      from: t.arg.id({ required: true, description: 'The first revision.' }),
      to: t.arg.id({ required: true, description: 'The second revision.' }),
    },
    resolve: (_root, { from, to }, context) =>
      compareRevisions(context, { from: decodeId('EntryRevision', from, 'from'), to: decodeId('EntryRevision', to, 'to') }),
  }),
);

// ---------------------------------------------------------------- restoring

mutation('restoreEntryRevision', {
  description:
    'Gives an entry the title, the text and the tags of one of its revisions, as a further version. CONFLICT when it has been changed since the expected version.',
  access: 'signedIn',
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The revision, and the version that it is to take the place of.',
    fields: (t) => ({
      revisionId: t.id({ required: true, idOf: 'EntryRevision', description: 'The revision.' }),
      expectedVersion: t.int({ required: true, description: 'The present `version` of the entry.' }),
    }),
  },
  run: (input, context) => restoreRevision(context, input),
  payload: { description: 'The entry as it is now.', reloaders: { entry: findEntry }, fields: updatedEntryFields },
});
