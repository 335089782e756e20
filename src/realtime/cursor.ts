import { createHash } from 'node:crypto';
import { badInput, coded } from '../errors.js';

/**
 * A position in a stream: after `seq` in the given `epoch`. An epoch of null stands for a stream without a head, whose beginning is its
 * only position.
 */
export interface Position {
  readonly epoch: number | null;
  readonly seq: number;
}

/** The head of a stream; null for a stream without any event. */
export interface Head {
  readonly epoch: number;
  readonly lastSeq: number;
  readonly oldestSeq: number;
}

// version (1) · stream (6) · epoch (4) · seq (4), base64url: 20 characters without padding.
const VERSION = 1;
const LENGTH = 15;
/** The length of a cursor in characters. A longer text is not a cursor and need not be read or stored. */
export const CURSOR_LENGTH = 20;
/** Encodes "no epoch": the column's default is below 2^31 - 1. */
const NO_EPOCH = 0xffff_ffff;
/** The largest value of the int4 column. */
const MAX_SEQ = 0x7fff_ffff;

/** A hash of the stream, long enough that a cursor is not accepted for another stream by accident. It is not a secret. */
const fingerprint = (topic: string, key: string): Buffer =>
  createHash('sha256').update(topic).update('\0').update(key).digest().subarray(0, 6);

export const encodeCursor = (topic: string, key: string, position: Position): string => cursorsOf(topic, key)(position);

/** Encodes many positions of one stream: what identifies the stream is computed once, with the first of them. */
export const cursorsOf = (topic: string, key: string): ((position: Position) => string) => {
  let bytes: Buffer | null = null;
  return ({ epoch, seq }) => {
    if (bytes === null) {
      bytes = Buffer.alloc(LENGTH);
      bytes.writeUInt8(VERSION, 0);
      fingerprint(topic, key).copy(bytes, 1);
    }
    bytes.writeUInt32BE(epoch ?? NO_EPOCH, 7);
    bytes.writeUInt32BE(seq, 11);
    return bytes.toString('base64url');
  };
};

/** The cursor at the end of a stream with this head. */
export const headCursor = (topic: string, key: string, head: Head | null): string =>
  encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: head?.lastSeq ?? 0 });

/**
 * Decodes a cursor.
 * @param path where the cursor stands in the input, for the error
 * @throws BAD_USER_INPUT for a malformed cursor or one of another stream
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
 * Checks that all events after `position` can still be read.
 * @throws CURSOR_EXPIRED when it is below the oldest event, beyond the head or of another epoch; `extensions.oldestCursor` is the oldest
 *   valid cursor
 */
export const assertReadable = (topic: string, key: string, position: Position, head: Head | null): void => {
  const seqFits = position.seq >= (head?.oldestSeq ?? 1) - 1 && position.seq <= (head?.lastSeq ?? 0);
  // A cursor from when the stream had no head means its beginning, whatever the epoch is now.
  const epochFits = position.epoch === (head?.epoch ?? null) || (position.epoch === null && position.seq === 0);
  if (seqFits && epochFits) return;
  const oldestCursor = encodeCursor(topic, key, { epoch: head?.epoch ?? null, seq: (head?.oldestSeq ?? 1) - 1 });
  throw coded('CURSOR_EXPIRED', 'What follows this cursor is no longer kept. Fetch the present state and subscribe from its cursor.', {
    oldestCursor,
  });
};
