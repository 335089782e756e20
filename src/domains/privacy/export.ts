import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { Operation } from '../../db/generated/prisma/client.js';
import { readRows, type ExportedRows } from '../../db/personal-data.js';
import { viewerOf } from '../../access/viewer.js';
import { storeFile } from '../files/files.js';
import { beginOperation, operationTask } from '../operations/operations.js';
import { PERSONAL_TABLES } from './personal-tables.js';

/*
 * An export is a ZIP of everything that is stored about a user: as JSON, and what a person reads as Markdown, too. It is read from the database page by page
 * while it is written, so it takes little memory, whatever its size. A job that is run again writes it anew, in the same place.
 */

/** What an export has, in its order. */
const SECTIONS: readonly ExportedRows[] = PERSONAL_TABLES.flatMap(({ exported }) => (typeof exported === 'string' ? [] : [exported]));

async function* asJson(db: Database, section: ExportedRows, userId: string): AsyncGenerator<string> {
  let isFirst = true;
  yield '[';
  for await (const row of readRows(db, section, userId)) {
    yield `${isFirst ? '' : ','}\n${JSON.stringify(row)}`;
    isFirst = false;
  }
  yield '\n]\n';
}

async function* asMarkdown(db: Database, section: ExportedRows, userId: string): AsyncGenerator<string> {
  yield `# ${section.title}\n`;
  for await (const row of readRows(db, section, userId)) yield `\n${section.markdown?.(row) ?? ''}`;
}

const README = (publicUrl: string, madeAt: string): string =>
  [
    `# Your data at ${publicUrl}`,
    `Everything that is stored about you, as it was at ${madeAt}.`,
    ...SECTIONS.map(({ name, title, markdown }) => `- ${title}: \`${name}.json\`${markdown ? ` and \`${name}.md\`` : ''}`),
    '',
  ].join('\n\n');

/** A file of the export: its name, and its text when its turn has come. */
interface Part {
  readonly name: string;
  readonly text: (db: Database, userId: string) => AsyncIterable<string>;
}

const PARTS: readonly Part[] = SECTIONS.flatMap((section): Part[] => [
  { name: `${section.name}.json`, text: (db, userId) => asJson(db, section, userId) },
  ...(section.markdown ? [{ name: `${section.name}.md`, text: (db: Database, userId: string) => asMarkdown(db, section, userId) }] : []),
]);

/** The ZIP, which is made as it is read. @param onPart called when a part begins */
const zipOf = ({ db, clock, config }: Services, userId: string, onPart: (index: number, name: string) => Promise<void>): Readable => {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const mtime = new Date(clock.now());
  const fail = (error: unknown): void => void output.destroy(error instanceof Error ? error : new Error(String(error)));
  zip.on('error', fail);
  zip.addBuffer(Buffer.from(README(config.publicUrl, mtime.toISOString())), 'README.md', { mtime });
  for (const [index, { name, text }] of PARTS.entries()) {
    zip.addReadStreamLazy(name, { mtime }, (give) => {
      onPart(index, name)
        .then(() => give(null, Readable.from(text(db, userId), { objectMode: false }).on('error', fail)))
        .catch(fail);
    });
  }
  zip.end();
  return output;
};

export const exportTask = operationTask('exportMyData', async (services, { id, userId }, progress) => {
  const { clock, config } = services;
  const day = new Date(clock.now()).toISOString().slice(0, 10);
  await progress.total(PARTS.length);
  await storeFile(
    services,
    {
      id,
      ownerId: userId,
      name: `lyceum-${day}.zip`,
      mediaType: 'application/zip',
      expiresAt: new Date(clock.now() + config.exports.keptMs),
    },
    zipOf(services, userId, (index, name) => progress.done(index, name)),
    config.exports.maxBytes,
  );
  await progress.done(PARTS.length);
  return { fileId: id };
});

/** Begins the export of what is stored about the viewer. @throws CONFLICT while one is being made */
export const exportMyData = (context: Context): Promise<Operation> =>
  context.db.transact(async (tx) => {
    const { id: userId } = viewerOf(context);
    const operation = await beginOperation(tx, context, exportTask, { userId });
    tx.audit('exportMyData', { type: 'User', id: userId });
    return operation;
  });
