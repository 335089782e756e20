import type { Context, Viewer } from '../../context.js';
import { Prisma, type Entry, type EntryRevision } from '../../db/generated/prisma/client.js';
import { countEach } from '../../db/count.js';
import { badInput, notFound } from '../../errors.js';
import { batchedForAnyViewer } from '../../graphql/loaders.js';
import { updateEntry, type UpdatedEntry } from './entries.js';
import { can } from './rules.js';

/*
 * What an entry said in each of its versions. A trigger writes the rows, whatever writes the entries (`keep_revision` in the migrations).
 */

/** What somebody wrote while the entry was private stays with its author, although it is public now. */
export const revisionsVisibleTo = (viewer: Viewer | null): Prisma.EntryRevisionWhereInput =>
  viewer === null ? { isPublic: true } : { OR: [{ isPublic: true }, { entry: { authorId: viewer.id } }] };

export const revisionCount = batchedForAnyViewer(
  ({ db, viewer }, entryIds) =>
    countEach(
      db.prisma,
      entryIds,
      (id) => Prisma.sql`
        SELECT 1 FROM entry_revision revision JOIN entry ON entry.id = revision.entry_id
        WHERE revision.entry_id = ${id} AND (revision.is_public OR entry.author_id = ${viewer?.id ?? null}::uuid)`,
    ),
  0,
);

/** Whether the viewer may see a revision of an entry: they see the entry, and what it said then. */
export const seesRevision = (
  viewer: Viewer | null,
  { isPublic }: Pick<EntryRevision, 'isPublic'>,
  entry: Pick<Entry, 'authorId' | 'isPublic'>,
): boolean => can(viewer, 'see', entry) && can(viewer, 'see', { ...entry, isPublic });

/** Those of some revisions that the viewer may see. */
const visibleRevisions = async ({ db, viewer }: Context, ids: readonly string[]): Promise<EntryRevision[]> => {
  const found = await db.prisma.entryRevision.findMany({
    where: { id: { in: [...ids] } },
    include: { entry: { select: { authorId: true, isPublic: true } } },
  });
  return found.filter((revision) => seesRevision(viewer, revision, revision.entry));
};

/** Two revisions of one entry. */
export interface Compared {
  readonly from: EntryRevision;
  readonly to: EntryRevision;
}

/**
 * Reads two revisions of one entry.
 * @throws NOT_FOUND, also for what the viewer may not see, BAD_USER_INPUT for revisions of different entries
 */
export const compareRevisions = async (
  context: Context,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Compared> => {
  const visible = await visibleRevisions(context, [from, to]);
  const [before, after] = [from, to].map((id) => visible.find((revision) => revision.id === id));
  if (before === undefined || after === undefined) throw notFound('EntryRevision');
  if (before.entryId !== after.entryId)
    throw badInput({ path: 'to', code: 'NOT_ALLOWED', message: 'The two revisions must be of the same entry.' });
  return { from: before, to: after };
};

/**
 * Gives an entry the title, the text and the tags of one of its revisions, as a further version.
 * @throws NOT_FOUND, FORBIDDEN, CONFLICT as {@link updateEntry} does
 */
export const restoreRevision = async (
  context: Context,
  { revisionId, expectedVersion }: { readonly revisionId: string; readonly expectedVersion: number },
): Promise<UpdatedEntry> => {
  const [revision] = await visibleRevisions(context, [revisionId]);
  if (revision === undefined) throw notFound('EntryRevision');
  const { entryId: id, title, content, tags } = revision;
  return await updateEntry(context, { id, expectedVersion, title, content, tags });
};
