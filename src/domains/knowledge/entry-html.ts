import type { Context, Services } from '../../context.js';
import type { Entry } from '../../db/generated/prisma/client.js';
import { batched } from '../../graphql/loaders.js';
import { defineTask } from '../../jobs/task.js';
import { htmlOf } from '../../markdown/html.js';
import { RENDERER } from '../../markdown/version.js';

/** The most stored HTML that one statement reads, in bytes: a page of a hundred entries may be of the longest. */
const MAX_READ = 8_000_000;

interface Stored {
  readonly id: string;
  readonly version: number;
  readonly html: string;
}

const stored = batched<Stored | null>(async ({ db }, ids) => {
  const rows = await db.prisma.$queryRaw<Stored[]>`
    SELECT id, version, html FROM (
      SELECT entry_id AS id, version, html, sum(octet_length(html)) OVER (ORDER BY entry_id) AS read
      FROM entry_html WHERE entry_id = ANY (${[...ids]}::uuid[]) AND renderer >= ${RENDERER}
    ) AS rows WHERE read <= ${MAX_READ}`;
  return new Map(rows.map((row) => [row.id, row]));
}, null);

/**
 * The content of an entry as HTML: as it was stored when the entry was written, or rendered now where it is not yet.
 * @throws OPERATION_TOO_COMPLEX when too much has to be rendered for one operation
 */
export const htmlOfEntry = async (context: Context, entry: Pick<Entry, 'id' | 'version' | 'content'>): Promise<string> => {
  const found = await stored(context, entry.id);
  // Of no other version: that one may be private.
  return found?.version === entry.version ? found.html : await htmlOf(context, entry.content);
};

type Rendering = Pick<Services, 'db' | 'markdown'>;

const store = async ({ db, markdown }: Rendering, { id, version, content }: Pick<Entry, 'id' | 'version' | 'content'>): Promise<void> => {
  const html = await markdown.storedHtml(content);
  // Nothing is stored of an entry that was changed or deleted meanwhile: its next job does that.
  await db.prisma.$executeRaw`
    INSERT INTO entry_html (entry_id, version, renderer, html)
    SELECT id, version, ${RENDERER}, ${html} FROM entry WHERE id = ${id}::uuid AND version = ${version}
    ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, renderer = excluded.renderer, html = excluded.html
    WHERE entry_html.renderer <= excluded.renderer`;
};

/** Renders an entry that was written. */
export const renderEntryTask = defineTask<{ readonly id: string }>('knowledge.renderEntry', async (services, { id }) => {
  const entry = await services.db.prisma.entry.findUnique({ where: { id }, select: { id: true, version: true, content: true } });
  if (entry !== null) await store(services, entry);
});

/** So many entries are read by one statement. */
const AT_A_TIME = 20;

/** Renders what is not stored by this renderer yet: entries that were imported, or written before it was another. */
export const renderMissing = async (services: Rendering): Promise<void> => {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const entries = await services.db.prisma.$queryRaw<Pick<Entry, 'id' | 'version' | 'content'>[]>`
      SELECT entry.id, entry.version, entry.content
      FROM entry LEFT JOIN entry_html html ON html.entry_id = entry.id AND html.version = entry.version AND html.renderer >= ${RENDERER}
      WHERE entry.id > ${after}::uuid AND html.entry_id IS NULL
      ORDER BY entry.id LIMIT ${AT_A_TIME}`;
    for (const entry of entries) await store(services, entry);
    const last = entries.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
};

export const renderMissingTask = defineTask('knowledge.renderMissing', renderMissing);
