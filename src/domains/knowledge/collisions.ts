import type { Context } from '../../context.js';
import type { Entry, EntryRevision } from '../../db/generated/prisma/client.js';
import { merge } from './differences.js';

type Text = Pick<EntryRevision, 'title' | 'content'>;

/** What an edit of an older version was made from, and what becomes of it. */
export interface Collision {
  /** The text that the edit was made from; null when it is not kept any more. */
  readonly base: Text | null;
  /** The present text with the edit; null when both have changed the same lines. */
  readonly merged: Text | null;
}

const mergeTitle = (base: string, mine: string, theirs: string): string | null => {
  if (mine === base) return theirs;
  return theirs === base || theirs === mine ? mine : null;
};

/** Looks whether an edit of an older version fits the present one. */
export const collide = async (
  { db }: Pick<Context, 'db'>,
  present: Entry,
  edit: { readonly expectedVersion: number; readonly title?: string | null | undefined; readonly content?: string | null | undefined },
): Promise<Collision> => {
  const base = await db.prisma.entryRevision.findUnique({
    where: { entryId_version: { entryId: present.id, version: edit.expectedVersion } },
    select: { title: true, content: true },
  });
  if (base === null) return { base, merged: null };
  const title = mergeTitle(base.title, edit.title ?? base.title, present.title);
  const content = merge(base.content, edit.content ?? base.content, present.content);
  return { base, merged: title === null || content === null ? null : { title, content } };
};
