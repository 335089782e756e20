import type { Context } from '../../context.js';
import { codeOf } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';
import { likedBy, likesOf } from '../likes/likes.js';
import { deleteEntry, unlikeEntry } from './entries.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import { TIME_TYPE, UUID_TYPE, writtenAt, type PersonalTable } from '../../db/personal-data.js';

export const personalOfKnowledge: readonly PersonalTable[] = [
  {
    table: 'entry',
    exported: {
      name: 'entries',
      title: 'Entries that you have written',
      columns: Prisma.sql`id, title, slug, content AS text, tags, is_public AS "isPublic", version, like_count AS "likeCount", source, created_at AS "createdAt",
        updated_at AS "updatedAt"`,
      from: Prisma.sql`entry`,
      of: (userId) => Prisma.sql`author_id = ${userId}`,
      order: [
        [Prisma.sql`created_at`, TIME_TYPE],
        [Prisma.sql`id`, UUID_TYPE],
      ],
      markdown: writtenAt(({ title }) => String(title)),
    },
    afterwards:
      'A public entry that others like, that is featured, or that an entry of somebody else links to stays, as that of a deleted user; all others are removed.',
  },
  {
    table: 'entry_revision',
    exported: {
      name: 'entryRevisions',
      title: 'Versions of entries that you have made',
      columns: Prisma.sql`id, entry_id AS "entryId", version, title, content AS text, tags, is_public AS "isPublic", created_at AS "createdAt"`,
      from: Prisma.sql`entry_revision`,
      of: (userId) => Prisma.sql`editor_id = ${userId}`,
      order: [
        [Prisma.sql`created_at`, TIME_TYPE],
        [Prisma.sql`id`, UUID_TYPE],
      ],
    },
    afterwards: 'They go with their entries; of one that stays those that everybody saw stay, as those of a deleted user.',
  },
];

/** So many are looked at by one statement. */
const AT_A_TIME = 200;

/** What somebody else has deleted meanwhile is gone as well. */
const unlessGone = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: unknown) => {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
  });
};

/** Removes the viewer's entries that nobody relies on, what the others said while they were private, and the viewer's likes. */
export const eraseEntries = async (context: Context): Promise<void> => {
  const { prisma } = context.db;
  const { id: authorId } = viewerOf(context);
  for (;;) {
    const entries = await prisma.$queryRaw<{ readonly id: string }[]>`
      SELECT id FROM entry
      WHERE author_id = ${authorId}::uuid AND NOT (
        is_public AND (
          is_featured OR like_count > (SELECT count(*) FROM ${likesOf(Prisma.sql`entry.id`, authorId)} own)
          OR EXISTS (
            SELECT FROM entry other
            WHERE other.author_id <> entry.author_id
              AND (other.content LIKE '%/' || entry.slug || '%' OR other.content_key LIKE '%[[' || search_pattern(entry.title) || '%')
          )
        )
      ) LIMIT ${AT_A_TIME}`;
    if (entries.length === 0) break;
    for (const entry of entries) await unlessGone(deleteEntry(context, entry));
  }
  // Nobody else has seen them.
  await prisma.entryRevision.deleteMany({ where: { isPublic: false, entry: { authorId } } });
  for (let after: string | null = null; ;) {
    const liked: readonly string[] = await likedBy(context.db, 'entry', authorId, after, AT_A_TIME);
    for (const id of liked) await unlessGone(unlikeEntry(context, id));
    after = liked.at(-1) ?? null;
    if (after === null) break;
  }
};
