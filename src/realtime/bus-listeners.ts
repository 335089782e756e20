import type { Log } from '../observability/log.js';
import type { Stream, WakeListener } from './bus.js';

/** The listeners of one process, by stream: the part that every bus has. */
export interface BusListeners {
  /** Streams with at least one listener. */
  readonly size: number;
  add(stream: Stream, listener: WakeListener): () => void;
  /** Calls the stream's listeners in a microtask, in the order of the calls of `wake`. */
  wake(name: string, seq: number, value?: unknown): void;
  /** The stream of this name, if anyone listens to it. */
  get(name: string): Stream | undefined;
  clear(): void;
}

interface Audience {
  readonly stream: Stream;
  readonly listeners: Set<{ readonly call: WakeListener }>;
}

/** One name for a stream. The topic's own colons are escaped: ('a', 'b:c') and ('a:b', 'c') are two streams. */
export const streamName = ({ topic, key }: Stream): string => `${topic.replaceAll('%', '%25').replaceAll(':', '%3A')}:${key}`;

/** Calls a foreign function; what it throws is logged, so that it stops nobody else. */
export const callSafely = (log: Log, call: () => void): void => {
  try {
    call();
  } catch (error) {
    log.error({ err: error }, 'A listener of the bus threw');
  }
};

/**
 * `onFirst` is called when a stream gets its first listener and `onLast` when the last one has left, both synchronously
 * and in turn.
 */
export const createBusListeners = (
  log: Log,
  hooks: { onFirst?: (name: string) => void; onLast?: (name: string) => void } = {},
): BusListeners => {
  const audiences = new Map<string, Audience>();

  const deliver = (name: string, seq: number, value: unknown): void => {
    const listeners = audiences.get(name)?.listeners;
    if (!listeners) return;
    // A copy, because a listener may add others, which this wake does not concern; one that has left is not called.
    for (const listener of [...listeners]) {
      if (listeners.has(listener)) callSafely(log, () => listener.call(seq, value));
    }
  };

  return {
    get size() {
      return audiences.size;
    },
    add: (stream, call) => {
      const name = streamName(stream);
      // An object of its own for each call, so that one function may listen twice.
      const listener = { call };
      const present = audiences.get(name);
      const audience = present ?? { stream, listeners: new Set() };
      audience.listeners.add(listener);
      if (!present) {
        audiences.set(name, audience);
        hooks.onFirst?.(name);
      }
      return () => {
        if (!audience.listeners.delete(listener) || audience.listeners.size > 0) return;
        audiences.delete(name);
        hooks.onLast?.(name);
      };
    },
    wake: (name, seq, value) => {
      if (audiences.has(name)) queueMicrotask(() => deliver(name, seq, value));
    },
    get: (name) => audiences.get(name)?.stream,
    clear: () => {
      // Emptied as well as forgotten: the functions that end a listener may still be called.
      for (const { listeners } of audiences.values()) listeners.clear();
      audiences.clear();
    },
  };
};
