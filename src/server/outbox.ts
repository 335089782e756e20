import type { Duplex } from 'node:stream';

/**
 * Everything that one socket has still to be told, in order. Results of subscriptions stay shared bytes until they leave; what
 * collects for a moment leaves in one write.
 */
export interface Outbox {
  /** A whole message of the protocol. */
  readonly text: (message: string) => void;
  /** The next results of one subscription, in order. Never waits; what does not fit is settled by the slot's policy. */
  readonly next: (slot: Slot, results: readonly Buffer[]) => void;
  /** Forgets what is still queued for a subscription. */
  readonly forget: (slot: Slot) => void;
  /** Resolves as soon as the queue is at most half full; at once when it is, or when the socket has gone. */
  readonly room: () => Promise<void>;
  /** Writes what is queued now, so that something else may follow it on the wire. */
  readonly flush: () => void;
  readonly close: () => void;
  readonly stats: () => { readonly frames: number; readonly bytes: number };
}

/** One subscription's place in an outbox. */
export interface Slot {
  /** The bytes of a `next` message up to its payload. */
  readonly head: Buffer;
  /**
   * What happens when the peer does not read fast enough: the results of a log end (`onOverflow`), of a state only the newest is kept,
   * of a signal the new one is dropped.
   */
  readonly policy: 'log' | 'state' | 'signal';
  readonly onOverflow: () => void;
}

export const createSlot = (id: string, policy: Slot['policy'], onOverflow: () => void): Slot => ({
  head: Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`),
  policy,
  onOverflow,
});

export interface OutboxOptions {
  /** The connection below the WebSocket. Between our writes ws writes its control frames, always whole ones. */
  readonly stream: Duplex;
  readonly collector: Collector;
  readonly maxFrames: number;
  readonly maxBytes: number;
  /** How long the peer may take nothing of what was written before the socket is given up, in milliseconds. */
  readonly stallMs: number;
  readonly onStall: () => void;
}

/** Calls what was scheduled after a moment, all that was scheduled meanwhile by one timer. */
export interface Collector {
  readonly schedule: (flush: () => void) => void;
}

export const createCollector = (delayMs: number): Collector => {
  let scheduled: (() => void)[] = [];
  return {
    schedule: (flush) => {
      if (scheduled.push(flush) > 1) return;
      setTimeout(() => {
        const due = scheduled;
        scheduled = [];
        for (const each of due) each();
      }, delayMs);
    },
  };
};

/** The end of a `next` message. */
const TAIL = 0x7d;
/** FIN and opcode 1: a text message in one frame. */
const TEXT = 0x81;
/** Payloads below this have their length in the second byte of the frame, below the next in two bytes more (RFC 6455, 5.2). */
const SHORT = 126;
const MEDIUM = 65_536;

const headerLength = (length: number): number => (length < SHORT ? 2 : length < MEDIUM ? 4 : 10);

interface Frame {
  /** null: `body` is the whole message. */
  slot: Slot | null;
  body: Buffer;
}

const lengthOf = ({ slot, body }: Frame): number => (slot === null ? body.length : slot.head.length + body.length + 1);

export const createOutbox = (options: OutboxOptions): Outbox => {
  const { stream, collector, maxFrames, maxBytes } = options;
  let frames: Frame[] = [];
  let bytes = 0;
  /** Written less than a moment ago: what comes now is collected. */
  let collecting = false;
  /** The connection has not taken what was written. */
  let blocked = false;
  let closed = false;
  let stall: NodeJS.Timeout | null = null;
  let waiting: (() => void)[] = [];

  const hasRoom = (): boolean => closed || (frames.length <= maxFrames / 2 && bytes <= maxBytes / 2);
  /** What is larger than the whole queue goes when nothing else waits: nobody could ever be given it otherwise. */
  const isFull = (body: Buffer): boolean => frames.length > 0 && (frames.length >= maxFrames || bytes + body.length > maxBytes);
  const tellRoom = (): void => {
    if (waiting.length === 0 || !hasRoom()) return;
    const told = waiting;
    waiting = [];
    for (const resolve of told) resolve();
  };

  const flush = (): void => {
    if (blocked || closed || frames.length === 0) return;
    let total = 0;
    for (const frame of frames) {
      const length = lengthOf(frame);
      total += headerLength(length) + length;
    }
    const buffer = Buffer.allocUnsafe(total);
    let offset = 0;
    for (const frame of frames) offset = writeFrame(buffer, offset, frame);
    frames = [];
    bytes = 0;
    if (!stream.write(buffer)) {
      blocked = true;
      stall = setTimeout(options.onStall, options.stallMs);
      stall.unref();
      stream.once('drain', onDrain);
    }
    tellRoom();
  };

  const onDrain = (): void => {
    blocked = false;
    if (stall) clearTimeout(stall);
    flush();
  };

  const onMoment = (): void => {
    if (frames.length === 0 || blocked || closed) collecting = false;
    else {
      flush();
      collector.schedule(onMoment);
    }
  };

  /** The first of a quiet moment leaves at once; collecting begins with the second. */
  const leave = (): void => {
    if (collecting || blocked) return;
    collecting = true;
    flush();
    collector.schedule(onMoment);
  };

  const add = (frame: Frame): void => {
    frames.push(frame);
    bytes += lengthOf(frame);
  };

  const forget = (slot: Slot): void => {
    if (!frames.some((frame) => frame.slot === slot)) return;
    frames = frames.filter((frame) => {
      if (frame.slot !== slot) return true;
      bytes -= lengthOf(frame);
      return false;
    });
    tellRoom();
  };

  /** A state's queued value gives way to the newer one, in its place. */
  const replace = (slot: Slot, body: Buffer): boolean => {
    const queued = frames.find((frame) => frame.slot === slot);
    if (queued === undefined) return false;
    bytes += body.length - queued.body.length;
    queued.body = body;
    return true;
  };

  return {
    text: (message) => {
      if (closed) return;
      add({ slot: null, body: Buffer.from(message) });
      // Nothing of the protocol's own is dropped; a peer that makes it pile up and does not read is given up.
      if (bytes > 2 * maxBytes) options.onStall();
      else leave();
    },
    next: (slot, results) => {
      if (closed) return;
      for (const body of results) {
        // Replacing is looked for only where something waits longer than a moment.
        if (slot.policy === 'state' && blocked && replace(slot, body)) continue;
        if (slot.policy !== 'state' && isFull(body)) {
          if (slot.policy === 'signal') continue;
          // A burst may simply be larger than the queue: what the connection takes makes room.
          flush();
          if (isFull(body)) {
            forget(slot);
            slot.onOverflow();
            return;
          }
        }
        add({ slot, body });
      }
      leave();
    },
    forget,
    room: async () => {
      if (!hasRoom()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    flush,
    close: () => {
      closed = true;
      frames = [];
      bytes = 0;
      if (stall) clearTimeout(stall);
      stream.off('drain', onDrain);
      tellRoom();
    },
    stats: () => ({ frames: frames.length, bytes }),
  };
};

const writeFrame = (buffer: Buffer, start: number, frame: Frame): number => {
  const { slot, body } = frame;
  const length = lengthOf(frame);
  let offset = start;
  buffer[offset++] = TEXT;
  if (length < SHORT) buffer[offset++] = length;
  else if (length < MEDIUM) {
    buffer[offset++] = SHORT;
    offset = buffer.writeUInt16BE(length, offset);
  } else {
    buffer[offset++] = 127;
    offset = buffer.writeUInt32BE(0, offset);
    offset = buffer.writeUInt32BE(length, offset);
  }
  if (slot === null) {
    buffer.set(body, offset);
    return offset + body.length;
  }
  buffer.set(slot.head, offset);
  offset += slot.head.length;
  buffer.set(body, offset);
  offset += body.length;
  buffer[offset++] = TAIL;
  return offset;
};
