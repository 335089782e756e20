/** The interval of the ticks, in milliseconds. */
const TICK_MS = 25;
/** The most that one tick adds: a longer interval means that the event loop was blocked. */
const MAX_TICK_MS = 2 * TICK_MS;

/** A peer from whom something is expected within a time. */
export interface Expected {
  /** Called when the time is over. */
  readonly onDue: () => void;
}

/** Timeouts of equal length, in the order in which they are due. */
export interface Waits {
  /** Starts the timeout of a peer, or restarts it. */
  readonly begin: (expected: Expected) => void;
  readonly end: (expected: Expected) => void;
}

/**
 * A clock that stops while the event loop is blocked. Timeouts of peers are measured with it. Example: thousands of clients reconnect and
 * the loop is blocked for five seconds. The `connection_init` that a peer sent in time lies unread in the kernel; with an ordinary timer
 * the peer would be disconnected.
 */
export interface ListenedTime {
  /** Creates timeouts. @param ms their length on this clock, in milliseconds */
  readonly waits: (ms: number) => Waits;
  /**
   * The length, on the wall clock, of the latest `ms` milliseconds of this clock: `ms` plus the time in which the loop was blocked. A
   * library that compares wall-clock times can use it as its timeout: a peer that exceeds it has been given more than `ms`.
   */
  readonly spanOf: (ms: number) => number;
  readonly stop: () => void;
}

/** An interval in which the event loop was blocked, in milliseconds of `now`. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** How many gaps are kept: enough for some minutes under any load. */
const MAX_GAPS = 1_000;

/** Creates the clock. @param now a monotonic clock in milliseconds */
export const createListenedTime = (now: () => number = () => performance.now()): ListenedTime => {
  const all: ((listened: number) => void)[] = [];
  let listened = 0;
  let last = now();
  let scheduled: NodeJS.Immediate | null = null;
  /** Oldest first. */
  let gaps: Gap[] = [];
  /** The gap between the latest tick and `time`, if the loop was blocked: it begins where the longest regular tick ends. */
  const gapAt = (time: number): Gap | null => (time - last > MAX_TICK_MS ? { from: last + MAX_TICK_MS, to: time } : null);

  const fire = (): void => {
    scheduled = null;
    for (const each of all) each(listened);
  };
  const tick = setInterval(() => {
    const time = now();
    const gap = gapAt(time);
    if (gap !== null) gaps.push(gap);
    if (gaps.length > 2 * MAX_GAPS) gaps = gaps.slice(-MAX_GAPS);
    listened += Math.min(time - last, MAX_TICK_MS);
    last = time;
    // `setImmediate` runs after the data that has arrived is read; timers run before it when a blocked loop continues.
    scheduled ??= setImmediate(fire);
  }, TICK_MS);
  tick.unref();

  return {
    waits: (ms) => {
      // A map iterates in insertion order, which is here the order of the due times.
      const dueTimes = new Map<Expected, number>();
      all.push((time) => {
        for (const [expected, due] of dueTimes) {
          if (due > time) break;
          dueTimes.delete(expected);
          expected.onDue();
        }
      });
      return {
        begin: (expected) => {
          dueTimes.delete(expected);
          dueTimes.set(expected, listened + ms);
        },
        end: (expected) => void dueTimes.delete(expected),
      };
    },
    spanOf: (ms) => {
      const time = now();
      // When another timer calls this before the tick, the gap that has just ended is not in the list yet.
      const latest = gapAt(time);
      let left = ms;
      let begin = time;
      for (const gap of [...gaps, ...(latest === null ? [] : [latest])].reverse()) {
        const between = begin - gap.to;
        if (between >= left) break;
        left -= between;
        begin = gap.from;
      }
      return time - begin + left;
    },
    stop: () => {
      clearInterval(tick);
      if (scheduled) clearImmediate(scheduled);
    },
  };
};
