/** A wake: "stream (topic, key) has grown to `seq`". It does not carry the new events. */
export interface Wake {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /**
   * The value of a signal, as JSON. Such a wake has seq 0 and is the only carrier of the value. It contains ids and flags, never user
   * content.
   */
  readonly value?: unknown;
}

/** Called with the seq of a wake, and with the value if it is a signal. */
export type WakeListener = (seq: number, value?: unknown) => void;

/** A stream: its topic and key. */
export interface Stream {
  readonly topic: string;
  readonly key: string;
}

/**
 * Carries wakes between processes and stores nothing: a process that is woken reads the database. A lost wake delays an event; a duplicate
 * or late wake costs a comparison of `seq`. A bus therefore promises speed, not delivery.
 */
export interface Bus {
  /**
   * Tells every process, including this one, that a stream has grown. It never throws or waits and is best effort. Listeners in this
   * process are called in a microtask, never inside this call, in the order of the calls, whatever the state of the bus. Listeners in other
   * processes are called in that order while the bus stays UP. Wakes that could not be sent while it was DOWN are sent later, only the
   * highest of each stream; signals are dropped. Wakes of several processes for one stream may arrive in any order: ignore a `seq` that is
   * not above the last one read.
   */
  wake(wake: Wake): void;
  /**
   * Listens to a stream: to wakes of this process at once, to those of other processes from the next `onGap` for this stream on. The
   * returned function ends it, also for a wake that is already under way; it may be called again. An exception of a listener is logged and
   * does not affect others. However many listeners a stream has, the process holds one subscription for it.
   */
  listen(topic: string, key: string, listener: WakeListener): () => void;
  /**
   * Calls `listener` whenever wakes may have been missed, so that the hub reads again: with null after a (re)connect, when all streams are
   * subscribed; with one stream when the subscription for its first listener is confirmed. The returned function ends it.
   */
  onGap(listener: (stream: Stream | null) => void): () => void;
  /** DOWN while other processes cannot be reached. */
  readonly state: 'UP' | 'DOWN';
  /** `channels`: the number of streams with a listener in this process. */
  stats(): { channels: number };
  /** Removes all listeners, sends the pending wakes and releases all handles; within a second, whatever the state of the bus. */
  close(): Promise<void>;
}
