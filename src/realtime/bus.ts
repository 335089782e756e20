/** One wake: "stream (topic, key) has grown to `seq`", and nothing of what it has grown by. */
export interface Wake {
  readonly topic: string;
  readonly key: string;
  readonly seq: number;
  /** What a signal says, as JSON: its seq is 0, and nothing but this wake has it. Ids and flags, never what somebody wrote. */
  readonly value?: unknown;
}

/** Called with the seq of a wake, and with the value of one that is a signal. */
export type WakeListener = (seq: number, value?: unknown) => void;

/** A stream by its two names. */
export interface Stream {
  readonly topic: string;
  readonly key: string;
}

/**
 * Carries wakes between processes and holds nothing: whoever is woken reads the database. A lost wake costs a moment,
 * a wake that comes twice or late costs a look at `seq`; so a bus promises speed, never delivery.
 */
export interface Bus {
  /**
   * Tells every process, this one included, that a stream has grown. Never throws, never waits: best effort. Listeners
   * in this process are called in a microtask, never inside this call, whether or not the bus is UP, each wake once and
   * in the order of the calls. Listeners elsewhere are called in that order too as long as the bus stays UP; wakes held
   * back while it was DOWN arrive later, only the highest of each stream, and signals not at all. Wakes of several
   * processes for one stream may overtake each other: ignore a `seq` that is not above the last one read.
   */
  wake(wake: Wake): void;
  /**
   * Listens to one stream, at once in this process and from its `onGap` on for the others. The returned function ends
   * it, also before a wake that is already under way; calling it again does nothing. A throwing listener is logged and
   * stops no other. However many listen, the process holds one subscription for a stream.
   */
  listen(topic: string, key: string, listener: WakeListener): () => void;
  /**
   * Calls `listener` whenever wakes may have been missed, so that the hub reads once more: with null once the bus is
   * connected (again) and all streams listened to are subscribed, with one stream once a new listener's subscription is
   * confirmed. The returned function ends it.
   */
  onGap(listener: (stream: Stream | null) => void): () => void;
  /** DOWN while other processes are out of reach. */
  readonly state: 'UP' | 'DOWN';
  /** `channels`: the number of streams with a listener in this process. */
  stats(): { channels: number };
  /** Forgets all listeners, lets the wakes out that are under way, and lets go of every handle; within a second whatever state the bus is in. */
  close(): Promise<void>;
}
