import { setTimeout as delay } from 'node:timers/promises';

/** What lasts until somebody ends it: sockets, and streams of server-sent events. */
export interface Connections {
  /** True once {@link drain} was called: from then on nothing new is taken. */
  readonly stopping: () => boolean;
  /**
   * Counts one in until the returned function is called.
   * @param end called when its turn has come at a stop; it makes sure that the connection is gone soon after
   */
  readonly add: (end: () => void) => () => void;
  /**
   * Ends all that is open one after the other, the oldest first, evenly over `drainMs` milliseconds, so that those who come back come one
   * after the other too. Resolves when the last has gone. Safe to call again.
   */
  readonly drain: (drainMs: number) => Promise<void>;
}

/** How often it is looked whether the next one has left by itself, in milliseconds. */
const STEP_MS = 20;

export const createConnections = (): Connections => {
  const open = new Set<() => void>();
  let draining: Promise<void> | null = null;
  let onEmpty: () => void = () => undefined;

  const drain = async (drainMs: number): Promise<void> => {
    const startedAt = performance.now();
    const total = open.size;
    let ended = 0;
    // What leaves by itself meanwhile is not visited, so a stop takes no longer than somebody is there.
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
