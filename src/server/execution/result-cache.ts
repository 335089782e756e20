import type { ExecutionResult } from 'graphql';
import type { TableWrites } from '../../realtime/table-writes.js';

/** The JSON of a result, made already. */
const JSON_BYTES = Symbol('the JSON of a result');

/** The JSON of a result if it has been made: `{"data":…}`. */
export const bytesOfResult = (result: ExecutionResult): Buffer | null => (result as { readonly [JSON_BYTES]?: Buffer })[JSON_BYTES] ?? null;

/** A result that stands for its JSON; its data are read from that only where somebody asks for them. */
export const resultOfBytes = (bytes: Buffer): ExecutionResult => {
  let parsed: ExecutionResult | null = null;
  return Object.defineProperties(
    {},
    {
      data: { enumerable: true, get: () => (parsed ??= JSON.parse(bytes.toString()) as ExecutionResult).data },
      [JSON_BYTES]: { value: bytes },
    },
  );
};

/** A kept result, and what is known of it. */
export interface Kept {
  readonly result: ExecutionResult;
  readonly bytes: number;
  /** The tables it was made from, and the {@link TableWrites.now} of before it was made. */
  readonly tables: ReadonlySet<string>;
  readonly since: number;
  /** When it was begun to be made, by `performance.now()`. */
  readonly at: number;
}

export interface ResultCache {
  /** The result of this key, if it is still right: nobody has written to its tables, as far as has been heard, and it is not too old. */
  readonly find: (key: string) => ExecutionResult | null;
  /** The result of this key even though it may be wrong by now, and its age in milliseconds; null when it is older than `maxAgeMs`. */
  readonly findStale: (key: string, maxAgeMs: number) => { readonly result: ExecutionResult; readonly ageMs: number } | null;
  readonly keep: (key: string, json: Buffer, made: Pick<Kept, 'tables' | 'since' | 'at'>) => ExecutionResult;
}

/** What an entry takes beside its key and its JSON, in bytes: the map, the objects, the set of tables. Compressed forms take a third of the JSON. */
const ENTRY_BYTES = 600;

/**
 * Creates the cache of a process, bounded in bytes; the least recently used results leave first. A result that would take more than a
 * sixteenth of it is not kept.
 * @param maxAgeMs how long a result is served while no write to its tables has been heard of
 * @param keepMs how long one is kept at all, for {@link ResultCache.findStale}
 */
export const createResultCache = (
  writes: Pick<TableWrites, 'isUnchanged'>,
  { maxBytes, maxAgeMs, keepMs = 0 }: { readonly maxBytes: number; readonly maxAgeMs: number; readonly keepMs?: number },
): ResultCache => {
  /** A map iterates in insertion order, and each use inserts the entry again. */
  const entries = new Map<string, Kept>();
  let held = 0;
  const drop = (key: string, entry: Kept): void => {
    if (entries.delete(key)) held -= entry.bytes;
  };
  const ageOf = (entry: Kept): number => performance.now() - entry.at;
  return {
    find: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return null;
      const age = ageOf(entry);
      if (age >= maxAgeMs || !writes.isUnchanged(entry.tables, entry.since)) {
        if (age >= keepMs) drop(key, entry);
        return null;
      }
      entries.delete(key);
      entries.set(key, entry);
      return entry.result;
    },
    findStale: (key, longest) => {
      const entry = entries.get(key);
      const ageMs = entry === undefined ? Infinity : ageOf(entry);
      return entry === undefined || ageMs > longest ? null : { result: entry.result, ageMs };
    },
    keep: (key, json, { tables, since, at }) => {
      const result = resultOfBytes(json);
      const before = entries.get(key);
      if (before !== undefined) drop(key, before);
      const bytes = ENTRY_BYTES + 2 * key.length + Math.ceil((json.length * 4) / 3);
      if (bytes > maxBytes / 16) return result;
      entries.set(key, { result, bytes, tables, since, at });
      held += bytes;
      for (const [oldest, entry] of entries) {
        if (held <= maxBytes) break;
        drop(oldest, entry);
      }
      return result;
    },
  };
};
