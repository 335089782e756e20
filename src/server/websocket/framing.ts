/** How the messages of a send queue are told apart on the wire. */
export interface Framing {
  /** The bytes in front of a message of this length. */
  readonly headerLength: (length: number) => number;
  /** Writes them. @returns the offset behind them */
  readonly writeHeader: (buffer: Buffer, offset: number, length: number) => number;
  /** The bytes that end a result of a subscription. */
  readonly tail: Buffer;
}

/** FIN and opcode 1: a text message in a single frame. */
const TEXT = 0x81;
/** The limits of the payload lengths that are encoded in one byte, and in two further bytes (RFC 6455, 5.2). */
const SHORT = 126;
const MEDIUM = 65_536;

/** Unmasked text frames of a WebSocket; the tail closes a `next` message. */
export const WEBSOCKET_FRAMING: Framing = {
  headerLength: (length) => (length < SHORT ? 2 : length < MEDIUM ? 4 : 10),
  writeHeader: (buffer, start, length) => {
    let offset = start;
    buffer[offset++] = TEXT;
    if (length < SHORT) buffer[offset++] = length;
    else if (length < MEDIUM) {
      buffer[offset++] = SHORT;
      offset = buffer.writeUInt16BE(length, offset);
    } else {
      buffer[offset++] = SHORT + 1;
      offset = buffer.writeUInt32BE(0, offset);
      offset = buffer.writeUInt32BE(length, offset);
    }
    return offset;
  },
  tail: Buffer.from('}'),
};

/** Server-sent events, each ended by an empty line. */
export const EVENT_STREAM_FRAMING: Framing = {
  headerLength: () => 0,
  writeHeader: (_buffer, offset) => offset,
  tail: Buffer.from('\n\n'),
};
