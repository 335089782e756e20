import type { ExecutionResult } from 'graphql';
import type { TableWrites } from '../../realtime/table-writes.js';
import { createByteCache } from '../../memory/byte-cache.js';

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
  readonly jsonBytes: number;
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

/** What an entry takes beside what every cache counts, in bytes: the objects of its result, the set of tables. */
const KEPT_BYTES = 100;

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
  // Compressed forms, which are kept with a result, take a third of its JSON.
  const entries = createByteCache<Kept>(maxBytes, ({ jsonBytes }) => KEPT_BYTES + Math.ceil((jsonBytes * 4) / 3), 1 / 16);
  const ageOf = (entry: Kept): number => performance.now() - entry.at;
  return {
    find: (key) => {
      const entry = entries.peek(key);
      if (entry === undefined) return null;
      const age = ageOf(entry);
      if (age < maxAgeMs && writes.isUnchanged(entry.tables, entry.since)) return entries.get(key)?.result ?? null;
      if (age >= keepMs) entries.delete(key);
      return null;
    },
    findStale: (key, longest) => {
      const entry = entries.peek(key);
      const ageMs = entry === undefined ? Infinity : ageOf(entry);
      return entry === undefined || ageMs > longest ? null : { result: entry.result, ageMs };
    },
    keep: (key, json, { tables, since, at }) => {
      const result = resultOfBytes(json);
      entries.set(key, { result, jsonBytes: json.length, tables, since, at });
      return result;
    },
  };
};
