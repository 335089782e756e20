import type { DocumentNode } from 'graphql';

/** What was made of the texts that were asked for last. */
export interface DocumentCache<Value> {
  readonly get: (text: string) => Value | undefined;
  readonly set: (text: string, value: Value) => void;
}

/** What an entry takes beside its text and what was made of it, in bytes. */
const ENTRY_BYTES = 500;
/** What a token of a parsed document takes with the node that it is the name of, in bytes; measured for `{a a a …}`. */
const TOKEN_BYTES = 500;

/** What a parsed document holds, in bytes, its text left out. */
export const bytesOfDocument = ({ loc }: DocumentNode): number => {
  let bytes = 0;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) bytes += TOKEN_BYTES;
  return bytes;
};

/**
 * A cache that is bounded by what it holds: bounded by number alone, a thousand documents of ten thousand tokens would be five gigabytes. Those that
 * were not asked for longest go first. What would take more than a quarter of it is made anew each time.
 * @param maxBytes of all texts and values together
 * @param bytesOf a value without its text
 */
export const createDocumentCache = <Value>(maxBytes: number, bytesOf: (value: Value) => number): DocumentCache<Value> => {
  /** In the order in which they were asked for. */
  const entries = new Map<string, { readonly value: Value; readonly bytes: number }>();
  let held = 0;
  const drop = (text: string): void => {
    held -= entries.get(text)?.bytes ?? 0;
    entries.delete(text);
  };
  return {
    get: (text) => {
      const entry = entries.get(text);
      if (entry === undefined) return undefined;
      entries.delete(text);
      entries.set(text, entry);
      return entry.value;
    },
    set: (text, value) => {
      drop(text);
      // The text may have two bytes a character.
      const bytes = ENTRY_BYTES + 2 * text.length + bytesOf(value);
      if (bytes > maxBytes / 4) return;
      entries.set(text, { value, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= maxBytes) break;
        drop(oldest);
      }
    },
  };
};
