import type { Context, Viewer } from '../../context.js';
import { builder } from '../../graphql/builder.js';
import { heads } from '../../graphql/heads.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { LOOKED_UP, READ } from '../../graphql/price.js';
import { headCursor } from '../../realtime/cursor.js';
import type { LogEvent } from '../../realtime/topic.js';
import { nameKey } from '../../texts/names.js';
import { can, tagText } from './rules.js';
import { findEntry } from './entries.js';
import { Entry } from './schema.js';
import { entriesLog, entryLog, listKeys, type EntryEvents } from './topics.js';

type Event = LogEvent<EntryEvents>;

const EntryEventKind = builder.enumType('EntryEventKind', {
  description: 'What has happened to an entry.',
  values: {
    ADDED: { description: 'It was written.' },
    CHANGED: { description: 'It has a further version: another title or text, other tags, another category, or it has become public.' },
    FEATURED: { description: 'It was featured, or is not any more.' },
    HIDDEN: { description: 'It has become private: the last that others than its author hear of it.' },
    DELETED: { description: 'It is gone.' },
  } as const,
});

const EntryEvent = builder.objectRef<Event>('EntryEvent').implement({
  description: 'Something that has happened to an entry.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this event: give it as `after` to go on behind it.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    kind: t.expose('kind', { type: EntryEventKind, description: 'What has happened.' }),
    entryId: t.id({ description: 'The entry.', resolve: ({ ref }) => encodeId('Entry', ref.entryId) }),
    entry: t.prismaField({
      type: Entry,
      nullable: true,
      price: LOOKED_UP,
      description: 'The entry as it is now; null when it is gone, or the viewer may not see it any more.',
      // Of a public entry the viewer is not asked for, so that one result serves all who follow it.
      resolve: async (query, { ref }, _args, context) => {
        const found = await context.db.prisma.entry.findUnique({ ...query, where: { id: ref.entryId } });
        return found !== null && (found.isPublic || can(context.viewer, 'see', found)) ? found : null;
      },
    }),
  }),
});

const isVisible = (viewer: Viewer | null, { ref }: Event): boolean => ref.isPublic || viewer?.id === ref.authorId;

// ---------------------------------------------------------------- one entry

const entryHead = heads(entryLog);

builder.prismaObjectFields(Entry, (t) => ({
  changeCursor: t.string({
    price: READ,
    description: 'The position of its log: follow `entryChanged(after:)` from here.',
    resolve: async ({ id }, _args, context) => headCursor(entryLog.name, id, await entryHead(context, id)),
  }),
}));

builder.subscriptionField('entryChanged', (t) =>
  t.topic({
    type: EntryEvent,
    topic: entryLog,
    description:
      'Everything that happens to an entry that the viewer may see, once and in order, after `after`; without it, from now. Likes are `entryLikeCountsChanged`.',
    args: {
      id: t.arg.id({ required: true, description: 'The entry.' }),
      after: t.arg.string({ description: "A cursor of its log: `Entry.changeCursor` or an event's." }),
    },
    authorize: async ({ id, after }, context) => ({ key: (await findEntry(context, decodeId('Entry', id, 'id'))).id, after }),
    visible: isVisible,
    resolve: (event) => event,
  }),
);

// ---------------------------------------------------------------- lists of entries

const EntriesBy = builder.inputType('EntriesBy', {
  description: 'Which entries are followed: exactly one of these is given.',
  isOneOf: true,
  fields: (t) => ({
    category: t.id({ description: 'Those of a category, and those that leave it.' }),
    author: t.id({ description: "Those that a user has written; of the viewer's own the private ones, too." }),
    tag: t.string({ validate: tagText, description: 'Those with a tag, in any case, and those that lose it.' }),
  }),
});

interface By {
  readonly category?: string | null | undefined;
  readonly author?: string | null | undefined;
  readonly tag?: string | null | undefined;
}

/** The key of a list. A category or a user that is not there has a list without events. */
const keyOf = (viewer: Viewer | null, by: By | null | undefined): string => {
  if (by?.category) return listKeys.category(decodeId('Category', by.category, 'filter.category'));
  if (by?.author) {
    const id = decodeId('User', by.author, 'filter.author');
    return id === viewer?.id ? listKeys.own(id) : listKeys.author(id);
  }
  return by?.tag ? listKeys.tag(nameKey(by.tag)) : listKeys.all;
};

const listHead = heads(entriesLog);
const FILTER = 'Which entries: all that are public when left out.';

builder.queryField('entriesCursor', (t) =>
  t.string({
    nullable: true,
    price: READ,
    description:
      'The position of the log of a list of entries: follow `entriesChanged(after:)` from here. Lists beside it are at least as new.',
    args: { filter: t.arg({ type: EntriesBy, description: FILTER }) },
    resolve: async (_root, { filter }, context: Context) => {
      const key = keyOf(context.viewer, filter);
      return headCursor(entriesLog.name, key, await listHead(context, key));
    },
  }),
);

builder.subscriptionField('entriesChanged', (t) =>
  t.topic({
    type: EntryEvent,
    topic: entriesLog,
    description:
      'Everything that happens to the entries of a list that the viewer may see, once and in order, after `after`; without it, from now.',
    args: {
      filter: t.arg({ type: EntriesBy, description: FILTER }),
      after: t.arg.string({ description: "A cursor of this log: `Query.entriesCursor` with the same filter, or an event's." }),
    },
    authorize: ({ filter, after }, { viewer }) => ({ key: keyOf(viewer, filter), after }),
    resolve: (event) => event,
  }),
);
