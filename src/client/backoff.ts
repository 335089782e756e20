/** The pauses between attempts that fail one after another. */
export interface Backoff {
  /** The longest pause before the second attempt, in milliseconds; it doubles from attempt to attempt. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 250, maxMs: 30_000 };

/**
 * The pause after this many failures, the last one not counted, in milliseconds. Half of it is random, so that clients that lost their
 * connections together do not come back together.
 */
export const delayOf = ({ firstMs, maxMs }: Backoff, failures: number): number => {
  const most = Math.min(maxMs, firstMs * 2 ** failures);
  return (most * (1 + Math.random())) / 2;
};

/**
 * How many attempts follow quickly on the loss of a connection that had been of use, and the longest pause before each, in milliseconds: with
 * the time that the attempt takes it is within a second.
 */
const SOON_TRIES = 5;
const SOON_MS = 800;

/**
 * The same after a connection that had been of use: its server restarts, and another one is or soon will be there. The first five attempts come
 * within less than a second each, as they find out which; then it goes on as for everybody else.
 */
export const soonDelayOf = (backoff: Backoff, failures: number): number =>
  failures < SOON_TRIES
    ? delayOf({ firstMs: Math.min(backoff.firstMs, SOON_MS), maxMs: Math.min(backoff.maxMs, SOON_MS) }, failures)
    : delayOf(backoff, failures - SOON_TRIES + 2);

/** Resolves after `ms` milliseconds, or as soon as the signal is aborted. */
export const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
