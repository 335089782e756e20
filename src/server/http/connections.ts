import { setTimeout as delay } from 'node:timers/promises';

/** Long-lived connections: WebSockets and streams of server-sent events. */
export interface Connections {
  /** Whether {@link drain} was called: from then on no new connection is accepted. */
  readonly stopping: () => boolean;
  /**
   * Adds a connection; the returned function removes it.
   * @param end closes the connection during a drain; it must be gone soon after
   */
  readonly add: (end: () => void) => () => void;
  /**
   * Closes all connections one after the other, the oldest first, evenly over `drainMs` milliseconds, so that the clients also reconnect
   * one after the other. Resolves when the last is gone. It may be called again.
   */
  readonly drain: (drainMs: number) => Promise<void>;
}

/** How often it is checked whether the next connection has closed by itself, in milliseconds. */
const STEP_MS = 20;

export const createConnections = (): Connections => {
  const open = new Set<() => void>();
  let draining: Promise<void> | null = null;
  let onEmpty: () => void = () => undefined;

  const drain = async (drainMs: number): Promise<void> => {
    const startedAt = performance.now();
    const total = open.size;
    let ended = 0;
    // The set's iteration skips connections that close by themselves, so the drain ends as soon as none is left.
    for (const end of open) {
      const due = startedAt + (drainMs * Math.min(ended, total)) / total;
      for (let wait = due - performance.now(); wait > 0 && open.has(end); wait = due - performance.now())
        await delay(Math.min(wait, STEP_MS));
      if (!open.has(end)) continue;
      ended += 1;
      end();
    }
    if (open.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
  };

  return {
    stopping: () => draining !== null,
    add: (end) => {
      open.add(end);
      return () => {
        if (open.delete(end) && open.size === 0) onEmpty();
      };
    },
    drain: (drainMs) => (draining ??= drain(drainMs)),
  };
};
