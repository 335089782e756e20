import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../config.js';
import { coded } from '../errors.js';
import { hasCode } from '../observability/failures.js';

/** Keeps the bytes of files under their keys, which are UUIDs. What is known of a file beside its bytes stands in the database. */
export interface FileStore {
  /**
   * Writes a file: it is there as a whole, or not at all, and takes the place of one that was there. It holds no more than a chunk in memory.
   * @returns its size in bytes
   * @throws OPERATION_TOO_COMPLEX beyond `maxBytes`, UNAVAILABLE when the store has no room, and what the source throws
   */
  readonly write: (key: string, source: Readable, maxBytes: number) => Promise<number>;
  /** Opens a file for reading; null when it is not there. Whoever gets the stream reads it to its end, or destroys it. */
  readonly read: (key: string) => Promise<{ readonly size: number; readonly stream: Readable } | null>;
  /** Removes a file; one that is not there is no fault. */
  readonly remove: (key: string) => Promise<void>;
  /** Removes what is left of writing that was cut off. */
  readonly sweep: (now: number) => Promise<void>;
}

/** Creates the store of the configuration. */
export const createFileStore = ({ files, dataDir }: Pick<Config, 'files' | 'dataDir'>): FileStore =>
  folderStore(files.dir ?? join(dataDir, 'files'));

/** After so long a draft is taken for that of a process which has died, in milliseconds: a day. */
const DRAFT_LIFE_MS = 24 * 60 * 60 * 1_000;

/** A folder: each file is written as a draft beside the others and then moved to its place, which is done as a whole. */
const folderStore = (root: string): FileStore => {
  const drafts = join(root, 'drafts');
  // Few of them in one folder.
  const folderOf = (key: string): string => join(root, key.slice(-2));
  const pathOf = (key: string): string => join(folderOf(key), key);
  return {
    write: async (key, source, maxBytes) => {
      await mkdir(drafts, { recursive: true, mode: 0o700 });
      await mkdir(folderOf(key), { recursive: true, mode: 0o700 });
      const draft = join(drafts, `${key}.${randomUUID()}`);
      try {
        const counted = counting(maxBytes);
        await pipeline(source, counted, createWriteStream(draft, { flags: 'wx', mode: 0o600 }));
        await flush(draft);
        await rename(draft, pathOf(key));
        return counted.size;
      } catch (error) {
        if (hasCode(error, 'ENOSPC', 'EDQUOT')) throw coded('UNAVAILABLE', 'There is no room for the file.');
        throw error;
      } finally {
        await rm(draft, { force: true });
      }
    },
    read: async (key) => {
      try {
        const file = await open(pathOf(key));
        const { size } = await file.stat();
        return { size, stream: createReadStream(pathOf(key), { fd: file }) };
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return null;
        throw error;
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    sweep: async (now) => {
      const names = await readdir(drafts).catch((error: unknown) => {
        if (hasCode(error, 'ENOENT')) return [];
        throw error;
      });
      for (const name of names) {
        const path = join(drafts, name);
        const found = await stat(path).catch(() => null);
        if (found !== null && now - found.mtimeMs > DRAFT_LIFE_MS) await rm(path, { force: true });
      }
    },
  };
};

/** Has the disk keep what was written: otherwise a machine that loses power may have a name without its bytes. */
const flush = async (path: string): Promise<void> => {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

const counting = (maxBytes: number): Transform & { size: number } => {
  const counted = Object.assign(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        counted.size += chunk.length;
        if (counted.size > maxBytes) done(coded('OPERATION_TOO_COMPLEX', `The file would have more than ${maxBytes} bytes.`));
        else done(null, chunk);
      },
    }),
    { size: 0 },
  );
  return counted;
};
