import type { Keyset } from '../db/keyset.js';
import { decodeCursor, encodeCursor, type Head } from './cursor.js';

/**
 * A keyset order for rows that each belong to one event: they are ordered by their events and have their cursors. A subscription can
 * therefore continue after the last row of a page.
 */
export const streamKeyset = <Row extends { readonly seq: number }>(topic: string, key: string, head: Head | null): Keyset<Row> => ({
  name: topic,
  columns: [{ field: 'seq', type: 'int', direction: 'asc', value: (row) => row.seq }],
  cursor: {
    encode: (row) => encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: row.seq }),
    // Only the seq is compared: rows are kept longer than their events.
    decode: (cursor, path) => [decodeCursor(topic, key, cursor, path).seq],
  },
});
