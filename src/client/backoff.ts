/** How long to wait between tries that fail one after another. */
export interface Backoff {
  /** Before the second try at the most, in milliseconds; it doubles from try to try. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 250, maxMs: 30_000 };

/**
 * How long to wait after so many failures, the last one not counted, in milliseconds. Half of it is random, so that clients that were
 * cut together do not come back together.
 */
export const delayOf = ({ firstMs, maxMs }: Backoff, failures: number): number => {
  const most = Math.min(maxMs, firstMs * 2 ** failures);
  return (most * (1 + Math.random())) / 2;
};

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
