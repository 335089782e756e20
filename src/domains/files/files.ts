import { timingSafeEqual } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Context, Services } from '../../context.js';
import type { StoredFile } from '../../db/generated/prisma/client.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { knownUsers } from '../account/account.js';

/*
 * A file is a row, which tells what it is and whose, and bytes in the store. The bytes are written first and removed first, so that no row leads to
 * nothing but for a moment. It is read by a link that is signed and ends: whoever has the link needs nothing else.
 */

/** The first part of the path of every link. */
export const FILES_PATH = '/files/';

/**
 * Keeps a file. Writing again under the same id takes the place of the one before.
 * @param source its bytes, which are read once
 */
export const storeFile = async (
  { db, clock, fileStore }: Pick<Services, 'db' | 'clock' | 'fileStore'>,
  file: Pick<StoredFile, 'id' | 'name' | 'mediaType'> & { readonly ownerId: string; readonly expiresAt: Date | null },
  source: Readable,
  maxBytes: number,
): Promise<void> => {
  const size = BigInt(await fileStore.write(file.id, source, maxBytes));
  const { id, ownerId, ...rest } = file;
  // Whoever has gone meanwhile owns nothing: then it is removed by the next sweep.
  const hasOwner = (await knownUsers(db.prisma, [ownerId])).has(ownerId);
  const data = { ...rest, ownerId: hasOwner ? ownerId : null, size, createdAt: new Date(clock.now()) };
  await db.prisma.storedFile.upsert({ where: { id }, create: { id, ...data }, update: data });
};

/** The files of the viewer by their ids, but for those that have ended. */
const ownFiles = batchedForViewer<StoredFile | null>(async ({ db, viewer }, ids) => {
  const files = await db.prisma.storedFile.findMany({ where: { id: { in: [...ids] }, ownerId: viewer.id } });
  return new Map(files.map((file) => [file.id, file]));
}, null);

const isThere = ({ expiresAt }: Pick<StoredFile, 'expiresAt'>, now: number): boolean => expiresAt === null || expiresAt.getTime() > now;

/** A file that the viewer may see; null for any other. */
export const visibleFile = async (context: Context, id: string): Promise<StoredFile | null> => {
  const file = await ownFiles(context, id);
  return file !== null && isThere(file, context.clock.now()) ? file : null;
};

/** A link, and when it ends. */
export interface FileLink {
  readonly url: string;
  readonly expiresAt: Date;
}

const signed = (id: string, end: number): string => `${id}:${end}`;

/** A link by which a file is read until it ends, from this server's own address. */
export const linkTo = ({ clock, config, fileSignature }: Context, { id, expiresAt }: StoredFile): FileLink => {
  const life = clock.now() + config.files.linkLifeMs;
  // Whole seconds.
  const end = Math.floor(Math.min(life, expiresAt?.getTime() ?? Infinity) / 1_000);
  return { url: `${FILES_PATH}${id}?until=${end}&signature=${fileSignature(signed(id, end))}`, expiresAt: new Date(end * 1_000) };
};

/** A file that is read by its link. */
export interface OpenedFile extends Pick<StoredFile, 'name' | 'mediaType'> {
  readonly size: number;
  readonly stream: Readable;
}

/** Opens what a link leads to; null for a link that is not ours or has ended, and for a file that is gone. */
export const openLinked = async (
  { db, clock, fileStore, fileSignature }: Pick<Services, 'db' | 'clock' | 'fileStore' | 'fileSignature'>,
  { id, until, signature }: { readonly id: string; readonly until: string; readonly signature: string },
): Promise<OpenedFile | null> => {
  const end = Number(until);
  if (!Number.isSafeInteger(end) || end * 1_000 <= clock.now()) return null;
  const right = Buffer.from(fileSignature(signed(id, end)));
  const given = Buffer.from(signature);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
  const file = await db.prisma.storedFile.findUnique({ where: { id } });
  if (file === null || !isThere(file, clock.now())) return null;
  const opened = await fileStore.read(id);
  return opened && { name: file.name, mediaType: file.mediaType, ...opened };
};

/** So many files are removed by one statement. */
const AT_A_TIME = 100;

/** Removes the files whose time is over or whose owners are gone, and what is left of writing that was cut off. */
export const removeEndedFiles = async ({ db, clock, fileStore }: Pick<Services, 'db' | 'clock' | 'fileStore'>): Promise<void> => {
  for (let found = AT_A_TIME; found === AT_A_TIME;) {
    const ended = await db.prisma.storedFile.findMany({
      where: { OR: [{ expiresAt: { lte: new Date(clock.now()) } }, { ownerId: null }] },
      select: { id: true },
      take: AT_A_TIME,
    });
    for (const { id } of ended) await fileStore.remove(id);
    await db.prisma.storedFile.deleteMany({ where: { id: { in: ended.map(({ id }) => id) } } });
    found = ended.length;
  }
  await fileStore.sweep(clock.now());
};
