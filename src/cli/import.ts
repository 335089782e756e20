import { SingleBar } from 'cli-progress';
import type { Services } from '../context.js';
import { findByUsername, findFirstUser } from '../domains/account/account.js';
import { importFolder, type ImportProgress, type ImportReport } from '../domains/knowledge/import.js';
import { MarkdownFileError } from '../domains/knowledge/markdown-files.js';

/** Where the command writes; the process' own streams but for tests. */
export interface Terminal {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/**
 * `lyceum import`: a folder's Markdown files become entries. Progress and failures go to stderr, the summary to stdout.
 * @returns the exit code: 0, or 1 when the folder or the author was wrong or some of the files could not be imported
 */
export const runImport = async (
  services: Pick<Services, 'db' | 'clock' | 'markdown'>,
  folder: string,
  options: { readonly author?: string },
  { stdout, stderr }: Terminal = process,
): Promise<number> => {
  const author = await findAuthor(services, options.author);
  if (author === null) {
    stderr.write(
      options.author === undefined
        ? 'There is no user yet whose entries they could become. Start the server, and make the first account by the link that it prints.\n'
        : `There is no user called "${options.author}".\n`,
    );
    return 1;
  }
  const progress = showProgress(stderr);
  let report: ImportReport;
  try {
    report = await importFolder(services, { folder, authorId: author.id, onProgress: progress.update });
  } catch (error) {
    if (!(error instanceof MarkdownFileError)) throw error;
    stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    progress.end();
  }
  const { created, updated, unchanged, failed, notes, leftOut, movedFrom, renamed } = report;
  if (movedFrom !== null) stderr.write(`The folder was at ${printable(movedFrom)} before: its entries are updated.\n`);
  tell(
    stderr,
    [...renamed].map(([path, before]) => ({ path, reason: `was called ${before} before` })),
    MAX_REMARKS,
  );
  tell(stderr, [...leftOut.map(({ path, reason }) => ({ path, reason: `left out: ${reason}` })), ...notes], MAX_REMARKS);
  tell(stderr, failed);
  stdout.write(
    `${created} created (by ${author.username}), ${updated} updated, ${unchanged} unchanged, ${failed.length} could not be imported.\n`,
  );
  return failed.length === 0 ? 0 : 1;
};

/** The most remarks that are told one by one. */
const MAX_REMARKS = 1_000;

const tell = (stderr: Terminal['stderr'], remarks: ImportReport['notes'], most = Infinity): void => {
  for (const { path, reason } of remarks.slice(0, most)) stderr.write(`${printable(path)}: ${printable(reason)}\n`);
  if (remarks.length > most) stderr.write(`… and ${remarks.length - most} more.\n`);
};

/** The user of that name, in any case; without a name the first administrator, or else the oldest user. */
const findAuthor = async (
  { db }: Pick<Services, 'db'>,
  username: string | undefined,
): Promise<{ readonly id: string; readonly username: string } | null> => {
  if (username !== undefined) return await findByUsername(db, username);
  return (await findFirstUser(db, 'ADMIN')) ?? (await findFirstUser(db));
};

/** Escapes control characters: file names come from anywhere, and a terminal obeys what is in them. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '\ufffd');

interface Progress {
  readonly update: (progress: ImportProgress) => void;
  readonly end: () => void;
}

const STAGES = { reading: 'Reading', writing: 'Writing' } as const;

const showProgress = (stream: Terminal['stderr']): Progress => (stream.isTTY === true ? bar(stream) : lines(stream));

const bar = (stream: Terminal['stderr']): Progress => {
  const single = new SingleBar({ stream, format: '{stage} {bar} {value} of {total} files', hideCursor: true, clearOnComplete: true });
  let shown: ImportProgress['stage'] | null = null;
  return {
    update: ({ stage, done, total }) => {
      if (stage === shown) return single.update(done);
      if (shown !== null) single.stop();
      shown = stage;
      single.start(total, done, { stage: STAGES[stage] });
    },
    end: () => {
      if (shown !== null) single.stop();
    },
  };
};

/** Prints a line at the beginning, at each tenth and at the end. */
const lines = (stream: Terminal['stderr']): Progress => {
  let last = '';
  return {
    update: ({ stage, done, total }) => {
      const mark = `${stage} ${total === 0 ? 10 : Math.floor((10 * done) / total)}`;
      if (mark === last) return;
      last = mark;
      stream.write(`${STAGES[stage]}: ${done} of ${total} files\n`);
    },
    end: () => undefined,
  };
};
