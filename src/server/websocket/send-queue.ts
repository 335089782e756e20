import type { Duplex } from 'node:stream';
import type { Debtor, SendBudget } from './send-budget.js';

/**
 * Everything that one socket has still to be told, in order. Results of subscriptions stay shared bytes until they leave; what
 * collects for a moment leaves in one write.
 */
export interface SendQueue {
  /** A whole message of the protocol. */
  readonly text: (message: string) => void;
  /**
   * The next results of one subscription, in order. Never waits; what does not fit is settled by the slot's policy, or, in a burst that the
   * connection has had no time to take, is left to be given again when there is {@link room}.
   * @param live false: they can be given again in any case, and nothing ends
   * @returns how many have been settled, from the first on
   */
  readonly next: (slot: Slot, results: readonly Buffer[], live?: boolean) => number;
  /** Forgets what is still queued for a subscription. */
  readonly forget: (slot: Slot) => void;
  /** Resolves as soon as the queue is at most half full; at once when it is, or when the socket has gone. */
  readonly room: () => Promise<void>;
  /** Writes all that is queued now, whatever the connection takes, so that something else may follow it on the wire. */
  readonly flush: () => void;
  /** Whether the connection has still to take what was written before anything else is. */
  readonly isBlocked: () => boolean;
  readonly close: () => void;
  readonly stats: () => { readonly frames: number; readonly bytes: number };
}

/** One subscription's place in a send queue. */
export interface Slot {
  /** The bytes of a message up to its payload. */
  readonly head: Buffer;
  /**
   * What happens when the peer does not read fast enough: the results of a log end (`onOverflow`), of a state only the newest is kept,
   * of a signal the new one is dropped.
   */
  readonly policy: 'log' | 'state' | 'signal';
  onOverflow(): void;
}

/** The bytes of a subscription's `next` messages up to their payload. */
export const nextHead = (id: string): Buffer => Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);

export const createSlot = (id: string, policy: Slot['policy'], onOverflow: () => void): Slot => ({
  head: nextHead(id),
  policy,
  onOverflow,
});

export interface SendQueueOptions {
  /** The connection below the WebSocket. Between our writes ws writes its control frames, always whole ones. */
  readonly stream: Duplex;
  readonly collector: Collector;
  readonly maxFrames: number;
  readonly maxBytes: number;
  /** How long the peer may take nothing of what was written before the socket is given up, in milliseconds. */
  readonly stallMs: number;
  readonly onStall: () => void;
  /** Where what the peer does not take is counted, with that of others. */
  readonly budget: SendBudget;
  /** Where the peer is. */
  readonly address: string;
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

/**
 * What one write takes, but for a single frame that is larger: what is written can be neither forgotten nor replaced any more. A quarter of the
 * queue at the most, of which it is a part until the peer has taken it.
 */
const MAX_WRITE_BYTES = 262_144;
/** For how long what is too much may be a burst that the connection has had no time to take, in milliseconds. */
const BURST_MS = 100;
/** How many times that a peer may take nothing at all of a burst whose rest is still to be given. */
const BURST_LOOKS = 10;
/** How many times the queue may hold when answers of the protocol's own, which cannot be dropped, come on top of results. */
const WITH_ANSWERS = 2;
/** How often in `stallMs` it is looked whether the peer takes anything. */
const LOOKS = 4;

interface Frame {
  /** null: `body` is the whole message. */
  slot: Slot | null;
  body: Buffer;
}

const lengthOf = ({ slot, body }: Frame): number => (slot === null ? body.length : slot.head.length + body.length + 1);

export const createSendQueue = (options: SendQueueOptions): SendQueue => new SocketSendQueue(options);

/**
 * A class, because an event goes through the send queues of thousands of sockets one after the other, whose memory is cold by then: what one
 * needs lies in one object instead of behind a closure each.
 */
class SocketSendQueue implements SendQueue, Debtor {
  readonly #options: SendQueueOptions;
  readonly #stream: Duplex;
  readonly #maxWriteBytes: number;
  #frames: Frame[] = [];
  /** The queued value of each state that has come while the connection was blocked: only there it waits longer than a moment. */
  readonly #newest = new Map<Slot, Frame>();
  #bytes = 0;
  /** Written less than a moment ago: what comes now is collected. */
  #collecting = false;
  /** The connection has not taken what was written. */
  #blocked = false;
  /** When the event loop first had its turn after that, in milliseconds that never go back. */
  #blockedSince = 0;
  /** What the peer had still to take at the last look, and how many looks ago that was the same. */
  #untaken = 0;
  #idleLooks = 0;
  #closed = false;
  #stall: NodeJS.Timeout | null = null;
  /** Those that are still to be given the rest of a burst. */
  readonly #owed = new Set<Slot>();
  /** The largest result that there was no room for since there was some. */
  #refused = 0;
  /** Runs while somebody is owed the rest of a burst and the peer has something to take, or more is queued than may stay. */
  #burst: NodeJS.Timeout | null = null;
  #waiting: (() => void)[] = [];

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#maxWriteBytes = Math.min(MAX_WRITE_BYTES, options.maxBytes / 4);
  }

  get address(): string {
    return this.#options.address;
  }

  drop(): void {
    this.#shed(0);
  }

  cut(): void {
    this.close();
    this.#options.onStall();
  }

  text(message: string): void {
    if (this.#closed) return;
    this.#add(null, Buffer.from(message));
    // Nothing of the protocol's own is dropped; a peer that makes it pile up on top of all else and does not read is given up.
    if (this.#held() > WITH_ANSWERS * this.#options.maxBytes) this.#options.onStall();
    else this.#leave();
    this.#account();
  }

  next(slot: Slot, results: readonly Buffer[], live = true): number {
    if (this.#closed) return results.length;
    if (live && this.#owed.size > 0) this.#owed.delete(slot);
    let taken = 0;
    for (const body of results) {
      if (!this.#replace(slot, body)) {
        if (this.#isFull(slot, body)) {
          // What the connection takes makes room.
          this.#send();
          if (this.#isFull(slot, body)) {
            if (slot.policy === 'signal') return results.length;
            // It may take no more only because the event loop has not been left since.
            if (live && !this.#isFresh()) {
              this.#overflow(slot);
              return results.length;
            }
            this.#refused = Math.max(this.#refused, lengthOf({ slot, body }));
            if (live) this.#owed.add(slot);
            break;
          }
        }
        this.#add(slot, body);
      }
      taken += 1;
    }
    this.#leave();
    this.#account();
    return taken;
  }

  forget(slot: Slot): void {
    this.#owed.delete(slot);
    this.#newest.delete(slot);
    if (!this.#frames.some((frame) => frame.slot === slot)) return;
    this.#frames = this.#frames.filter((frame) => {
      if (frame.slot !== slot) return true;
      this.#bytes -= lengthOf(frame);
      return false;
    });
    this.#account();
    this.#tellRoom();
  }

  async room(): Promise<void> {
    if (!this.#hasRoom()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  flush(): void {
    while (this.#frames.length > 0) this.#write();
    this.#tellRoom();
  }

  isBlocked(): boolean {
    return this.#blocked;
  }

  close(): void {
    this.#closed = true;
    this.#frames = [];
    this.#newest.clear();
    this.#owed.clear();
    this.#bytes = 0;
    this.#unblock();
    this.#tellRoom();
  }

  stats(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#frames.length, bytes: this.#bytes };
  }

  readonly #onDrain = (): void => {
    this.#unblock();
    this.#send();
    this.#account();
  };

  readonly #onMoment = (): void => {
    if (this.#frames.length === 0 || this.#blocked || this.#closed) this.#collecting = false;
    else {
      this.#send();
      this.#options.collector.schedule(this.#onMoment);
    }
  };

  /** The first of a quiet moment leaves at once; collecting begins with the second. */
  #leave(): void {
    if (this.#collecting || this.#blocked) return;
    this.#collecting = true;
    this.#send();
    this.#options.collector.schedule(this.#onMoment);
  }

  /** Writes what is queued for as long as the connection takes it. */
  #send(): void {
    while (!this.#blocked && this.#frames.length > 0) this.#write();
    this.#tellRoom();
  }

  /** Writes the first of what is queued: all of it, unless it is much. */
  #write(): void {
    let total = 0;
    let bytes = 0;
    let count = 0;
    for (const frame of this.#frames) {
      const length = lengthOf(frame);
      const size = headerLength(length) + length;
      if (count > 0 && total + size > this.#maxWriteBytes) break;
      total += size;
      bytes += length;
      count += 1;
    }
    const buffer = Buffer.allocUnsafe(total);
    let offset = 0;
    for (let index = 0; index < count; index += 1) {
      const frame = this.#frames[index] as Frame;
      offset = writeFrame(buffer, offset, frame);
      if (this.#newest.size > 0 && frame.slot !== null) this.#newest.delete(frame.slot);
    }
    this.#frames = count === this.#frames.length ? [] : this.#frames.slice(count);
    this.#bytes -= bytes;
    if (!this.#stream.write(buffer) && !this.#blocked) this.#block();
  }

  #block(): void {
    this.#blocked = true;
    this.#blockedSince = Infinity;
    setImmediate(() => (this.#blockedSince = performance.now()));
    this.#untaken = untakenOf(this.#stream);
    this.#idleLooks = 0;
    this.#stall = setInterval(() => this.#look(), this.#options.stallMs / LOOKS);
    this.#stall.unref();
    this.#stream.once('drain', this.#onDrain);
    this.#account();
  }

  #unblock(): void {
    this.#blocked = false;
    if (this.#stall) clearInterval(this.#stall);
    this.#stall = null;
    if (this.#burst) clearTimeout(this.#burst);
    this.#burst = null;
    this.#options.budget.hold(this, 0);
    this.#stream.off('drain', this.#onDrain);
  }

  /** Says what is held for a peer that does not take it, and sees to it that one that takes nothing is not waited for. */
  #account(): void {
    if (!this.#blocked) return;
    if (this.#burst === null && this.#isOverdue()) this.#watchBurst(untakenOf(this.#stream), 0);
    this.#options.budget.hold(this, this.#bytes + this.#stream.writableLength);
  }

  #isOverdue(): boolean {
    return this.#owed.size > 0 || this.#held() > this.#options.maxBytes;
  }

  #watchBurst(untaken: number, idle: number): void {
    const look = (): void => {
      this.#burst = null;
      if (!this.#blocked || !this.#isOverdue()) return;
      const left = untakenOf(this.#stream);
      const stillIdle = left === untaken ? idle + 1 : 0;
      if (stillIdle < BURST_LOOKS) return this.#watchBurst(left, stillIdle);
      for (const slot of [...this.#owed]) this.#overflow(slot);
      this.#shed(this.#options.maxBytes);
    };
    // Behind what has arrived: timers come first when a loop has its turn again.
    this.#burst = setTimeout(() => setImmediate(look), BURST_MS).unref();
  }

  #overflow(slot: Slot): void {
    this.forget(slot);
    // What it says of its end comes behind, and is little.
    slot.onOverflow();
  }

  /** Ends subscriptions whose results wait, those first whose results came last, until no more than this is queued. */
  #shed(maxBytes: number): void {
    for (let index = this.#frames.length - 1; index >= 0 && this.#held() > maxBytes; index = Math.min(index, this.#frames.length) - 1) {
      const slot = this.#frames[index]?.slot ?? null;
      if (slot === null) continue;
      this.#overflow(slot);
    }
  }

  /** A peer is slow as long as it takes something, however little, and has stalled when it takes nothing. */
  #look(): void {
    const untaken = untakenOf(this.#stream);
    this.#idleLooks = untaken === this.#untaken ? this.#idleLooks + 1 : 0;
    this.#untaken = untaken;
    if (this.#idleLooks >= LOOKS) this.#options.onStall();
  }

  /** Whether the connection may take more as soon as it is let. */
  #isFresh(): boolean {
    return this.#blocked && performance.now() - this.#blockedSince < BURST_MS;
  }

  #add(slot: Slot | null, body: Buffer): void {
    const frame = { slot, body };
    this.#frames.push(frame);
    this.#bytes += lengthOf(frame);
    if (slot?.policy === 'state' && this.#blocked) this.#newest.set(slot, frame);
  }

  /** A state's queued value gives way to the newer one, in its place. */
  #replace(slot: Slot, body: Buffer): boolean {
    const queued = this.#newest.get(slot);
    if (queued === undefined) return false;
    this.#bytes += body.length - queued.body.length;
    queued.body = body;
    return true;
  }

  /**
   * The bytes of what is queued and of what was written and not taken: a single result that is larger than a write is counted as one, or nothing
   * could wait behind it.
   */
  #held(): number {
    return this.#blocked ? this.#bytes + Math.min(this.#stream.writableLength, this.#maxWriteBytes) : this.#bytes;
  }

  /** What is larger than the whole queue goes when nothing else waits: nobody could ever be given it otherwise. */
  #isFull(slot: Slot, body: Buffer): boolean {
    const held = this.#held();
    return held > 0 && (this.#frames.length >= this.#options.maxFrames || held + lengthOf({ slot, body }) > this.#options.maxBytes);
  }

  #hasRoom(): boolean {
    const held = this.#held();
    const { maxFrames, maxBytes } = this.#options;
    return this.#closed || held === 0 || (this.#frames.length <= maxFrames / 2 && held <= maxBytes / 2 && held + this.#refused <= maxBytes);
  }

  #tellRoom(): void {
    if (this.#waiting.length === 0 || !this.#hasRoom()) return;
    const told = this.#waiting;
    this.#waiting = [];
    this.#refused = 0;
    for (const resolve of told) resolve();
  }
}

/**
 * The bytes of what was written that the system has not taken over. Of one large write the stream itself tells only when all of it has gone
 * (`writableLength`; `bytesWritten` counts what is queued), so the handle below is asked, as Node's own `socket.setTimeout` does.
 */
const untakenOf = (stream: Duplex & { readonly _handle?: { readonly writeQueueSize?: number } | null }): number =>
  stream._handle?.writeQueueSize ?? stream.writableLength;

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
