import type { Keyset } from '../db/keyset.js';
import { cursorsOf, decodeCursor, type Head } from './cursor.js';

/**
 * A keyset order for rows that each belong to one event: they are ordered by their events and have their cursors. A subscription can
 * therefore continue after the last row of a page.
 * @param head the head of the stream; undefined when no cursor will be made, so that it need not be read
 */
export const streamKeyset = <Row extends { readonly seq: number }>(
  topic: string,
  key: string,
  head: Head | null | undefined,
): Keyset<Row> => {
  const encode = cursorsOf(topic, key);
  return {
    name: topic,
    columns: [{ field: 'seq', type: 'int', direction: 'asc', value: (row) => row.seq }],
    cursor: {
      encode: ({ seq }) => {
        if (head === undefined) throw new Error(`A cursor of "${topic}" was made without the head of its stream.`);
        return encode({ epoch: head?.epoch ?? null, seq });
      },
      // Only the seq is compared: rows are kept longer than their events.
      decode: (cursor, path) => [decodeCursor(topic, key, cursor, path).seq],
    },
  };
};
