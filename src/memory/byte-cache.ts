/** A least-recently-used cache of values by text, limited by the memory of its entries. */
export interface ByteCache<Value> {
  /** The value, which is the most recently used one from then on. */
  readonly get: (text: string) => Value | undefined;
  /** The value, without a use of it. */
  readonly peek: (text: string) => Value | undefined;
  /** Stores a value in the place of the one before; it is stored only if it takes no more than its share of the cache. */
  readonly set: (text: string, value: Value) => void;
  readonly delete: (text: string) => void;
}

/** The overhead of an entry beside its text and its value, in bytes. */
const ENTRY_BYTES = 500;

/**
 * Creates such a cache. A limit by number would not do: a thousand documents of ten thousand tokens take five gigabytes. The least recently
 * used entries are evicted first.
 * @param maxBytes of all texts and values together
 * @param bytesOf the size of a value without its text
 * @param largest the share of the cache that one entry may take; a larger one is not stored, since it would evict many others
 */
export const createByteCache = <Value>(maxBytes: number, bytesOf: (value: Value) => number, largest = 1 / 4): ByteCache<Value> => {
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
    peek: (text) => entries.get(text)?.value,
    set: (text, value) => {
      drop(text);
      // A JavaScript string may take two bytes a character.
      const bytes = ENTRY_BYTES + 2 * text.length + bytesOf(value);
      if (bytes > maxBytes * largest) return;
      entries.set(text, { value, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= maxBytes) break;
        drop(oldest);
      }
    },
    delete: drop,
  };
};
