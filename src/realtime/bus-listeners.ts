import type { Log } from '../observability/log.js';
import type { Stream, WakeListener } from './bus.js';

/** The listeners of a process by stream: the part that all buses share. */
export interface BusListeners {
  /** The number of streams with at least one listener. */
  readonly size: number;
  add(stream: Stream, listener: WakeListener): () => void;
  /** Calls the stream's listeners in a microtask, in the order of the calls of `wake`. */
  wake(name: string, seq: number, value?: unknown): void;
  /** The stream of this name, if it has a listener. */
  get(name: string): Stream | undefined;
  clear(): void;
}

interface Audience {
  readonly stream: Stream;
  readonly listeners: Set<{ readonly call: WakeListener }>;
}

/** A single name for a stream. Colons in the topic are escaped, so ('a', 'b:c') and ('a:b', 'c') have different names. */
export const streamName = ({ topic, key }: Stream): string => `${topic.replaceAll('%', '%25').replaceAll(':', '%3A')}:${key}`;

/** Calls a callback and logs what it throws, so that other callbacks still run. */
export const callSafely = (log: Log, call: () => void): void => {
  try {
    call();
  } catch (error) {
    log.error({ err: error }, 'A listener of the bus threw');
  }
};

/**
 * Creates the listeners. `onFirst` is called when a stream gets its first listener, `onLast` when its last one has left; both synchronously
 * and alternately.
 */
export const createBusListeners = (
  log: Log,
  hooks: { onFirst?: (name: string) => void; onLast?: (name: string) => void } = {},
): BusListeners => {
  const audiences = new Map<string, Audience>();

  const deliver = (name: string, seq: number, value: unknown): void => {
    const listeners = audiences.get(name)?.listeners;
    if (!listeners) return;
    // The loop runs over a copy: listeners that are added during the wake are not called, and those that have left are skipped.
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
      // Each call creates an object, so the same function can be registered twice.
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
      // The sets are emptied too, because the functions that remove listeners may still be called.
      for (const { listeners } of audiences.values()) listeners.clear();
      audiences.clear();
    },
  };
};
