import type { DocumentNode } from 'graphql';

/** A least-recently-used cache of values derived from document texts. */
export interface DocumentCache<Value> {
  readonly get: (text: string) => Value | undefined;
  readonly set: (text: string, value: Value) => void;
}

/** The overhead of an entry beside its text and its value, in bytes. */
const ENTRY_BYTES = 500;
/** The memory of a token and its node in a parsed document, in bytes; measured for `{a a a …}`. */
const TOKEN_BYTES = 500;

/** The memory of a parsed document without its text, in bytes. */
export const bytesOfDocument = ({ loc }: DocumentNode): number => {
  let bytes = 0;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) bytes += TOKEN_BYTES;
  return bytes;
};

/**
 * Creates a cache that is limited by the memory of its entries. A limit by number would not do: a thousand documents of ten thousand tokens
 * take five gigabytes. The least recently used entries are evicted first. A value that would take more than a quarter of the cache is not
 * stored.
 * @param maxBytes of all texts and values together
 * @param bytesOf the size of a value without its text
 */
export const createDocumentCache = <Value>(maxBytes: number, bytesOf: (value: Value) => number): DocumentCache<Value> => {
  /** A map iterates in insertion order, and each use inserts the entry again: the first is the least recently used. */
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
      // A JavaScript string may take two bytes a character.
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
