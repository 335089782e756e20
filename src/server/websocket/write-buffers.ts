import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * The memory that writes are put together in. An event goes out in one write for each of thousands of sockets: a buffer for each of them would
 * be as many page faults and as much garbage, though the system has copied most of them before `write` returns. That memory serves the next write.
 */
export interface WriteBuffers {
  /**
   * Writes so many bytes, which `fill` puts into the buffer that it is given.
   * @returns what the stream's `write` says: false when nothing more is to be written until it has drained
   */
  readonly write: (stream: Writable, bytes: number, fill: (buffer: Buffer) => void) => boolean;
}

/** What is kept has lengths of powers of two, so a connection that has not taken a write yet keeps no more than twice its bytes. */
const MIN_POWER = 9;
/** 256 KiB, the most that a send queue writes at once but for a single larger result. */
const MAX_POWER = 18;

export const createWriteBuffers = (): WriteBuffers => {
  const kept: (Buffer | undefined)[] = [];
  return {
    write: (stream, bytes, fill) => {
      const power = Math.max(MIN_POWER, 32 - Math.clz32(bytes - 1));
      const isKept = power <= MAX_POWER;
      const memory = (isKept ? kept[power] : undefined) ?? Buffer.allocUnsafeSlow(isKept ? 2 ** power : bytes);
      kept[power] = undefined;
      const buffer = memory.subarray(0, bytes);
      fill(buffer);
      const goesOn = stream.write(buffer);
      if (isKept && isCopied(stream)) kept[power] = memory;
      return goesOn;
    },
  };
};

/**
 * Whether nothing refers to the bytes of the last write any more. A TCP socket that has nothing left to write has given all of it to the system,
 * which copies; another kind of stream may have passed on the buffer itself.
 */
const isCopied = (stream: Writable): boolean => stream instanceof Socket && stream.writableLength === 0;
