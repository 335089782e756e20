import { createHash } from 'node:crypto';
import { badInput, coded } from '../errors.js';

/**
 * A place in a stream: after `seq`, in the history named by `epoch`. An epoch of null stands for a stream that has no
 * head yet, whose beginning is the only place it has.
 */
export interface Position {
  readonly epoch: number | null;
  readonly seq: number;
}

/** Where a stream stands; null where nothing has been emitted to it yet. */
export interface Head {
  readonly epoch: number;
  readonly lastSeq: number;
  readonly oldestSeq: number;
}

// version (1) · stream (6) · epoch (4) · seq (4), base64url: 20 characters without padding.
const VERSION = 1;
const LENGTH = 15;
/** Characters of a cursor. What has more is none, and need not be looked at or kept. */
export const CURSOR_LENGTH = 20;
/** Never drawn as an epoch: the column's default stays below 2^31 - 1. */
const NO_EPOCH = 0xffff_ffff;
/** The column is an int4. */
const MAX_SEQ = 0x7fff_ffff;

/** Long enough that a cursor of one stream is not taken for one of another by accident; it is no secret. */
const fingerprint = (topic: string, key: string): Buffer =>
  createHash('sha256').update(topic).update('\0').update(key).digest().subarray(0, 6);

export const encodeCursor = (topic: string, key: string, position: Position): string => {
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  fingerprint(topic, key).copy(bytes, 1);
  bytes.writeUInt32BE(position.epoch ?? NO_EPOCH, 7);
  bytes.writeUInt32BE(position.seq, 11);
  return bytes.toString('base64url');
};

/** The cursor at which a stream with this head stands now. */
export const headCursor = (topic: string, key: string, head: Head | null): string =>
  encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: head?.lastSeq ?? 0 });

/**
 * @param path where the cursor stands in the input, for the error
 * @throws BAD_USER_INPUT when it is no cursor, or one of another stream
 */
export const decodeCursor = (topic: string, key: string, cursor: string, path = 'after'): Position => {
  const bytes = Buffer.from(cursor.slice(0, CURSOR_LENGTH), 'base64url');
  if (bytes.length !== LENGTH || bytes.toString('base64url') !== cursor || bytes.readUInt8(0) !== VERSION) {
    throw badInput({ path, code: 'INVALID_CURSOR', message: 'This is not a cursor.' });
  }
  if (!bytes.subarray(1, 7).equals(fingerprint(topic, key))) {
    throw badInput({ path, code: 'INVALID_CURSOR', message: 'This cursor belongs to another stream.' });
  }
  const epoch = bytes.readUInt32BE(7);
  const seq = bytes.readUInt32BE(11);
  if (seq > MAX_SEQ) throw badInput({ path, code: 'INVALID_CURSOR', message: 'This is not a cursor.' });
  return { epoch: epoch === NO_EPOCH ? null : epoch, seq };
};

/**
 * Whether everything after `position` can still be given.
 * @throws CURSOR_EXPIRED when it lies below what is kept, beyond the head, or in another epoch; `extensions.oldestCursor`
 *   is the oldest place that can
 */
export const assertReadable = (topic: string, key: string, position: Position, head: Head | null): void => {
  const seqFits = position.seq >= (head?.oldestSeq ?? 1) - 1 && position.seq <= (head?.lastSeq ?? 0);
  // The beginning of a stream that had no head is the beginning of whatever history it has now.
  const epochFits = position.epoch === (head?.epoch ?? null) || (position.epoch === null && position.seq === 0);
  if (seqFits && epochFits) return;
  const oldestCursor = encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: (head?.oldestSeq ?? 1) - 1 });
  throw coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.', {
    oldestCursor,
  });
};
