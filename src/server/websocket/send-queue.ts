import type { Writable } from 'node:stream';
import type { Framing } from './framing.js';
import type { SlowPeer, SendBudget } from './send-budget.js';
import type { WriteBuffers } from './write-buffers.js';

/**
 * The outgoing frames of one connection, a WebSocket or an event stream, in order. Results stay shared bytes until they are written; frames that collect within a few
 * milliseconds leave in one write.
 */
export interface SendQueue {
  /** Queues a complete message of the protocol. */
  readonly text: (message: string) => void;
  /**
   * Queues the next results of a subscription, in order, without waiting. When the queue is full, the slot's policy decides. During a
   * burst, results that do not fit are instead left to the caller, to be given again when there is {@link room}.
   * @param live false during a replay: the caller can give the results again in any case, so the subscription never ends here
   * @returns how many of the results are settled, counted from the first
   */
  readonly next: (slot: Slot, results: readonly Buffer[], live?: boolean) => number;
  /** Drops the queued results of a subscription. */
  readonly forget: (slot: Slot) => void;
  /** Resolves when the queue is at most half full: at once if it is, or if the socket is closed. */
  readonly room: () => Promise<void>;
  /** Writes the whole queue regardless of back-pressure, so that something else may follow it on the wire. */
  readonly flush: () => void;
  /** Whether the connection has not drained since the last write. */
  readonly isBlocked: () => boolean;
  readonly close: () => void;
  readonly stats: () => { readonly frames: number; readonly bytes: number };
}

/** A subscription in a send queue. */
export interface Slot {
  /** The bytes of its `next` messages up to the payload. */
  readonly head: Buffer;
  /**
   * What happens when the queue is full. `log`: the subscription ends (`onOverflow`). `state`: the newest value replaces the queued one.
   * `signal`: the new value is dropped.
   */
  readonly policy: 'log' | 'state' | 'signal';
  onOverflow(): void;
}

/** The bytes of the `next` messages of an operation up to the payload. */
export const nextHead = (id: string): Buffer => Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);

export const createSlot = (id: string, policy: Slot['policy'], onOverflow: () => void): Slot => ({
  head: nextHead(id),
  policy,
  onOverflow,
});

export interface SendQueueOptions {
  /**
   * The TCP connection below the WebSocket, or the response that is an event stream. The ws library writes its control frames between our
   * writes, always whole.
   */
  readonly stream: Writable;
  readonly framing: Framing;
  readonly collector: Collector;
  /** What writes are put together in. */
  readonly buffers: WriteBuffers;
  readonly maxFrames: number;
  readonly maxBytes: number;
  /** How long the peer may read nothing before the socket is closed, in milliseconds. */
  readonly stallMs: number;
  readonly onStall: () => void;
  /** Where the bytes held for slow peers are counted. */
  readonly budget: SendBudget;
  /** The peer's address. */
  readonly address: string;
}

/** Runs callbacks after a short delay, with one timer for all that were scheduled meanwhile. */
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

/**
 * The largest write in bytes, unless a single frame is larger. Written data can no longer be dropped or replaced. It is at most a quarter
 * of the queue, to whose size it counts until the peer has read it.
 */
const MAX_WRITE_BYTES = 262_144;
/** How long an overfull queue counts as a burst that the connection had no time to drain, in milliseconds. */
const BURST_MS = 100;
/** After how many of these intervals without progress a peer counts as slow while the rest of a burst is still to come. */
const BURST_CHECKS = 10;
/** The limit of the queue, as a multiple of its regular size, when protocol messages come on top of results: they cannot be dropped. */
const CONTROL_FACTOR = 2;
/** How many times within `stallMs` the peer's progress is checked. */
const STALL_CHECKS = 4;

interface Frame {
  /** Null when `body` is a complete message. */
  slot: Slot | null;
  body: Buffer;
}

export const createSendQueue = (options: SendQueueOptions): SendQueue => new SocketSendQueue(options);

/**
 * A class and not closures: an event goes through the send queues of thousands of sockets, which are not in the CPU cache by then. A single
 * object needs fewer memory accesses than a closure for each function.
 */
class SocketSendQueue implements SendQueue, SlowPeer {
  readonly #options: SendQueueOptions;
  readonly #stream: Writable;
  readonly #maxWriteBytes: number;
  #frames: Frame[] = [];
  /**
   * The queued frame of each state slot. It is kept only while the connection is blocked, because otherwise a frame waits for a few
   * milliseconds at most.
   */
  readonly #newest = new Map<Slot, Frame>();
  #bytes = 0;
  /** Whether there was a write within the collecting delay: new frames wait for its end. */
  #collecting = false;
  /** Whether the connection waits for `drain`. */
  #blocked = false;
  /** When the event loop first continued after the connection was blocked, on a monotonic clock in milliseconds. */
  #blockedSince = 0;
  /** The unread bytes at the last check, and for how many checks their number has not changed. */
  #untaken = 0;
  #idleChecks = 0;
  #closed = false;
  #stall: NodeJS.Timeout | null = null;
  /** The slots for which the rest of a burst is still to come. */
  readonly #deferred = new Set<Slot>();
  /** The largest result that did not fit since there was last room. */
  #refused = 0;
  /** Set while the connection is blocked and either the rest of a burst is outstanding or the queue is above its limit. */
  #burst: NodeJS.Timeout | null = null;
  #waiting: (() => void)[] = [];

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#maxWriteBytes = Math.min(MAX_WRITE_BYTES, options.maxBytes / 4);
  }

  #lengthOf({ slot, body }: Frame): number {
    return slot === null ? body.length : slot.head.length + body.length + this.#options.framing.tail.length;
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
    // Protocol messages are never dropped. A peer that makes them pile up without reading is disconnected.
    if (this.#held() > CONTROL_FACTOR * this.#options.maxBytes) this.#options.onStall();
    else this.#sendSoon();
    this.#report();
  }

  next(slot: Slot, results: readonly Buffer[], live = true): number {
    if (this.#closed) return results.length;
    if (live && this.#deferred.size > 0) this.#deferred.delete(slot);
    let taken = 0;
    for (const body of results) {
      if (!this.#replace(slot, body)) {
        if (this.#isFull(slot, body)) {
          // A write may make room.
          this.#send();
          if (this.#isFull(slot, body)) {
            if (slot.policy === 'signal') return results.length;
            // The connection may be blocked only because the event loop has not run since the write.
            if (live && !this.#isFresh()) {
              this.#overflow(slot);
              return results.length;
            }
            this.#refused = Math.max(this.#refused, this.#lengthOf({ slot, body }));
            if (live) this.#deferred.add(slot);
            break;
          }
        }
        this.#add(slot, body);
      }
      taken += 1;
    }
    this.#sendSoon();
    this.#report();
    return taken;
  }

  forget(slot: Slot): void {
    this.#deferred.delete(slot);
    this.#newest.delete(slot);
    if (!this.#frames.some((frame) => frame.slot === slot)) return;
    this.#frames = this.#frames.filter((frame) => {
      if (frame.slot !== slot) return true;
      this.#bytes -= this.#lengthOf(frame);
      return false;
    });
    this.#report();
    this.#notifyRoom();
  }

  async room(): Promise<void> {
    if (!this.#hasRoom()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  flush(): void {
    while (this.#frames.length > 0) this.#write();
    this.#notifyRoom();
  }

  isBlocked(): boolean {
    return this.#blocked;
  }

  close(): void {
    this.#closed = true;
    this.#frames = [];
    this.#newest.clear();
    this.#deferred.clear();
    this.#bytes = 0;
    this.#unblock();
    this.#notifyRoom();
  }

  stats(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#frames.length, bytes: this.#bytes };
  }

  readonly #onDrain = (): void => {
    this.#unblock();
    this.#send();
    this.#report();
  };

  readonly #onMoment = (): void => {
    if (this.#frames.length === 0 || this.#blocked || this.#closed) this.#collecting = false;
    else {
      this.#send();
      this.#options.collector.schedule(this.#onMoment);
    }
  };

  /** Writes at once after a pause; further frames are then collected for the delay. */
  #sendSoon(): void {
    if (this.#collecting || this.#blocked) return;
    this.#collecting = true;
    this.#send();
    this.#options.collector.schedule(this.#onMoment);
  }

  /** Writes frames until the connection is blocked or the queue is empty. */
  #send(): void {
    while (!this.#blocked && this.#frames.length > 0) this.#write();
    this.#notifyRoom();
  }

  /** Writes the first frames of the queue, up to the largest write. */
  #write(): void {
    const { framing } = this.#options;
    let total = 0;
    let bytes = 0;
    let count = 0;
    for (const frame of this.#frames) {
      const length = this.#lengthOf(frame);
      const size = framing.headerLength(length) + length;
      if (count > 0 && total + size > this.#maxWriteBytes) break;
      total += size;
      bytes += length;
      count += 1;
    }
    const frames = this.#frames;
    this.#frames = count === frames.length ? [] : frames.slice(count);
    this.#bytes -= bytes;
    const goesOn = this.#options.buffers.write(this.#stream, total, (buffer) => {
      let offset = 0;
      for (let index = 0; index < count; index += 1) {
        const frame = frames[index] as Frame;
        offset = framing.writeHeader(buffer, offset, this.#lengthOf(frame));
        offset = writeMessage(buffer, offset, frame, framing.tail);
        if (this.#newest.size > 0 && frame.slot !== null) this.#newest.delete(frame.slot);
      }
    });
    if (!goesOn && !this.#blocked) this.#block();
  }

  #block(): void {
    this.#blocked = true;
    this.#blockedSince = Infinity;
    setImmediate(() => (this.#blockedSince = performance.now()));
    this.#untaken = untakenOf(this.#stream);
    this.#idleChecks = 0;
    this.#stall = setInterval(() => this.#checkProgress(), this.#options.stallMs / STALL_CHECKS);
    this.#stall.unref();
    this.#stream.once('drain', this.#onDrain);
    this.#report();
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

  /** Reports the bytes held for a blocked connection to the budget, and starts to watch a queue that is above its limit. */
  #report(): void {
    if (!this.#blocked) return;
    if (this.#burst === null && this.#isOverdue()) this.#watchBurst(untakenOf(this.#stream), 0);
    this.#options.budget.hold(this, this.#bytes + this.#stream.writableLength);
  }

  #isOverdue(): boolean {
    return this.#deferred.size > 0 || this.#held() > this.#options.maxBytes;
  }

  #watchBurst(untaken: number, idle: number): void {
    const check = (): void => {
      this.#burst = null;
      if (!this.#blocked || !this.#isOverdue()) return;
      const left = untakenOf(this.#stream);
      const stillIdle = left === untaken ? idle + 1 : 0;
      if (stillIdle < BURST_CHECKS) return this.#watchBurst(left, stillIdle);
      for (const slot of [...this.#deferred]) this.#overflow(slot);
      this.#shed(this.#options.maxBytes);
    };
    // `setImmediate` runs after the data that has arrived is handled; timers run before it when a blocked loop continues.
    this.#burst = setTimeout(() => setImmediate(check), BURST_MS).unref();
  }

  #overflow(slot: Slot): void {
    this.forget(slot);
    // The message that ends the subscription is queued after this, and is small.
    slot.onOverflow();
  }

  /** Ends subscriptions with queued results, beginning with the latest frame, until at most this many bytes are held. */
  #shed(maxBytes: number): void {
    for (let index = this.#frames.length - 1; index >= 0 && this.#held() > maxBytes; index = Math.min(index, this.#frames.length) - 1) {
      const slot = this.#frames[index]?.slot ?? null;
      if (slot === null) continue;
      this.#overflow(slot);
    }
  }

  /** Checks the progress of the peer: one that reads anything, however little, is only slow; one that reads nothing has stalled. */
  #checkProgress(): void {
    const untaken = untakenOf(this.#stream);
    this.#idleChecks = untaken === this.#untaken ? this.#idleChecks + 1 : 0;
    this.#untaken = untaken;
    if (this.#idleChecks >= STALL_CHECKS) this.#options.onStall();
  }

  /** Whether the connection was blocked so recently that it may drain as soon as the event loop runs. */
  #isFresh(): boolean {
    return this.#blocked && performance.now() - this.#blockedSince < BURST_MS;
  }

  #add(slot: Slot | null, body: Buffer): void {
    const frame = { slot, body };
    this.#frames.push(frame);
    this.#bytes += this.#lengthOf(frame);
    if (slot?.policy === 'state' && this.#blocked) this.#newest.set(slot, frame);
  }

  /** Replaces the queued value of a state in its place. */
  #replace(slot: Slot, body: Buffer): boolean {
    const queued = this.#newest.get(slot);
    if (queued === undefined) return false;
    this.#bytes += body.length - queued.body.length;
    queued.body = body;
    return true;
  }

  /**
   * The bytes that count towards the limit: those queued, and those written and not yet read by the peer. A write larger than the largest
   * regular one counts only as that; otherwise nothing could be queued behind a large result.
   */
  #held(): number {
    return this.#blocked ? this.#bytes + Math.min(this.#stream.writableLength, this.#maxWriteBytes) : this.#bytes;
  }

  /** A result larger than the whole queue is accepted when nothing else is queued; otherwise it could never be delivered. */
  #isFull(slot: Slot, body: Buffer): boolean {
    const held = this.#held();
    return held > 0 && (this.#frames.length >= this.#options.maxFrames || held + this.#lengthOf({ slot, body }) > this.#options.maxBytes);
  }

  #hasRoom(): boolean {
    const held = this.#held();
    const { maxFrames, maxBytes } = this.#options;
    return this.#closed || held === 0 || (this.#frames.length <= maxFrames / 2 && held <= maxBytes / 2 && held + this.#refused <= maxBytes);
  }

  #notifyRoom(): void {
    if (this.#waiting.length === 0 || !this.#hasRoom()) return;
    const told = this.#waiting;
    this.#waiting = [];
    this.#refused = 0;
    for (const resolve of told) resolve();
  }
}

/**
 * The written bytes that the operating system has not accepted yet. During one large write `writableLength` does not change, and
 * `bytesWritten` counts what is queued. Therefore the handle is asked, as Node's own `socket.setTimeout` does.
 */
const untakenOf = (stream: Writable & WithHandle & { readonly socket?: WithHandle | null }): number =>
  (stream.socket ?? stream)._handle?.writeQueueSize ?? stream.writableLength;

interface WithHandle {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

const writeMessage = (buffer: Buffer, start: number, { slot, body }: Frame, tail: Buffer): number => {
  let offset = start;
  if (slot !== null) {
    buffer.set(slot.head, offset);
    offset += slot.head.length;
  }
  buffer.set(body, offset);
  offset += body.length;
  if (slot !== null) {
    buffer.set(tail, offset);
    offset += tail.length;
  }
  return offset;
};
