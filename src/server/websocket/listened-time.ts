/** How often the time is counted on, in milliseconds. */
const TICK_MS = 25;
/** What one tick may count at the most: a longer one was a loop that could not listen. */
const MAX_TICK_MS = 2 * TICK_MS;

/** Somebody who is waited for. */
export interface Awaited {
  /** They have not done what they should have by now. */
  readonly onDue: () => void;
}

/** Those who are all waited for equally long, in the order in which they are due. */
export interface Waits {
  /** Begins to wait for one, anew if they are waited for already. */
  readonly begin: (awaited: Awaited) => void;
  readonly end: (awaited: Awaited) => void;
}

/**
 * Time in which the server has listened. What a peer is given time for counts in this: while a loop is blocked for five seconds, or serves
 * thousands who come back at once, the answer that a peer gave in time lies unread in the kernel, and the peer must not be cut for that.
 */
export interface ListenedTime {
  /** @param ms how long each is waited for, in milliseconds of this time */
  readonly waits: (ms: number) => Waits;
  readonly stop: () => void;
}

/** @param now milliseconds that never go back */
export const createListenedTime = (now: () => number = () => performance.now()): ListenedTime => {
  const all: ((listened: number) => void)[] = [];
  let listened = 0;
  let last = now();
  let looking: NodeJS.Immediate | null = null;

  const look = (): void => {
    looking = null;
    for (const each of all) each(listened);
  };
  const tick = setInterval(() => {
    const time = now();
    listened += Math.min(time - last, MAX_TICK_MS);
    last = time;
    // Behind whatever has arrived until now: timers come first when a loop has its turn again.
    looking ??= setImmediate(look);
  }, TICK_MS);
  tick.unref();

  return {
    waits: (ms) => {
      // They are due in the order in which they were added, which a map keeps.
      const dueTimes = new Map<Awaited, number>();
      all.push((time) => {
        for (const [awaited, due] of dueTimes) {
          if (due > time) break;
          dueTimes.delete(awaited);
          awaited.onDue();
        }
      });
      return {
        begin: (awaited) => {
          dueTimes.delete(awaited);
          dueTimes.set(awaited, listened + ms);
        },
        end: (awaited) => void dueTimes.delete(awaited),
      };
    },
    stop: () => {
      clearInterval(tick);
      if (looking) clearImmediate(looking);
    },
  };
};
