import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, coded } from '../errors.js';

/** How long the reading and rendering of an event is retried, in milliseconds, before the subscriptions that wait for it end. */
export const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

/** Whether a retry may help: for every error but our coded ones, UNAVAILABLE excepted. */
export const mayPass = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === null || code === 'UNAVAILABLE' || code === 'INTERNAL';
};

/**
 * Retries with growing pauses until it succeeds, for at most {@link PATIENCE_MS}. Our own coded errors are answers and thrown at once.
 * @param isOver whether nobody waits for the result any more
 * @throws UNAVAILABLE with the last failure as its `originalError`
 */
export const insist = async <Result>(work: () => Promise<Result>, isOver: () => boolean = () => false): Promise<Result> => {
  const began = performance.now();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (isOver() || performance.now() + pause - began > PATIENCE_MS) {
        throw coded(
          'UNAVAILABLE',
          'What has happened cannot be shown at the moment. Subscribe again after the last cursor you have seen.',
          {},
          error,
        );
      }
    }
    await delay(pause, undefined, { ref: false });
  }
};
