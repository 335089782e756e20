import { keptText } from '../../app/drafts.js';
import type { Fields } from './fields.js';

/** An entry as the server has it. */
export interface Target {
  readonly id: string;
  readonly slug: string;
  readonly version: number;
}

/** A save that was sent, and whose answer has not come. */
export interface Attempt {
  readonly clientId: string;
  /** Null for a new entry. */
  readonly target: Target | null;
  readonly fields: Fields;
}

/** What somebody has written and not saved, as this browser keeps it. */
export interface Draft {
  readonly fields: Fields;
  /** What it was begun from; null for a new entry. */
  readonly target: Target | null;
  readonly attempt: Attempt | null;
}

/** The draft of one text. */
export interface DraftPlace {
  readonly read: () => Draft | null;
  /** @returns whether it outlives the page */
  readonly keep: (draft: Draft) => boolean;
  readonly forget: () => void;
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Whether it is one, and not what an older version of the client has left. */
const isDraft = (value: unknown): value is Draft => {
  const { fields } = (value ?? {}) as { readonly fields?: Partial<Record<keyof Fields, unknown>> };
  return fields !== undefined && [fields.title, fields.content, fields.category, fields.tags].every(isText);
};

/**
 * Where the draft of an entry is kept. Each person has their own, on a computer that several use.
 * @param entry its id; null for the one that is new
 */
export const draftPlace = (owner: string, entry: string | null): DraftPlace => {
  const { read, keep, forget } = keptText(owner, `entry ${entry ?? 'new'}`);
  return {
    read: () => {
      try {
        const kept: unknown = JSON.parse(read() ?? 'null');
        return isDraft(kept) ? kept : null;
      } catch {
        return null;
      }
    },
    keep: (draft) => keep(JSON.stringify(draft)),
    forget,
  };
};
