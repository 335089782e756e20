import type { Keyset } from '../db/keyset.js';
import { decodeCursor, encodeCursor, type Head } from './cursor.js';

/**
 * The order of rows that each are the subject of one event, in the order of these events. Their cursors are the events' own, so what a
 * page ends with is where a subscription goes on.
 */
export const streamKeyset = <Row extends { readonly seq: number }>(topic: string, key: string, head: Head | null): Keyset<Row> => ({
  name: topic,
  columns: [{ field: 'seq', type: 'int', direction: 'asc', value: (row) => row.seq }],
  cursor: {
    encode: (row) => encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: row.seq }),
    // For paging the seq alone matters: history is kept longer than the events that told of it.
    decode: (cursor, path) => [decodeCursor(topic, key, cursor, path).seq],
  },
});
