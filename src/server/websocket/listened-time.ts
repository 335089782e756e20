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
  /**
   * How long ago, on the clock, the last `ms` milliseconds of this time began: as long, or longer by what the loop was blocked meanwhile. So
   * whoever has been waited for longer on the clock has been given more than `ms`, and nobody else.
   */
  readonly spanOf: (ms: number) => number;
  readonly stop: () => void;
}

/** A time in which the loop could not listen, in {@link createListenedTime}'s milliseconds. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Gaps that are remembered: those of some minutes, however busy the loop is. */
const MAX_GAPS = 1_000;

/** @param now milliseconds that never go back */
export const createListenedTime = (now: () => number = () => performance.now()): ListenedTime => {
  const all: ((listened: number) => void)[] = [];
  let listened = 0;
  let last = now();
  let looking: NodeJS.Immediate | null = null;
  /** The newest is the last. */
  let gaps: Gap[] = [];
  /** The end of what one tick may count is where the loop has ceased to listen. */
  const gapAt = (time: number): Gap | null => (time - last > MAX_TICK_MS ? { from: last + MAX_TICK_MS, to: time } : null);

  const look = (): void => {
    looking = null;
    for (const each of all) each(listened);
  };
  const tick = setInterval(() => {
    const time = now();
    const gap = gapAt(time);
    if (gap !== null) gaps.push(gap);
    if (gaps.length > 2 * MAX_GAPS) gaps = gaps.slice(-MAX_GAPS);
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
    spanOf: (ms) => {
      const time = now();
      // Asked for by a timer that comes before the tick, the gap that has just ended is not among the others yet.
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
      if (looking) clearImmediate(looking);
    },
  };
};
