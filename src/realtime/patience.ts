import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, coded } from '../errors.js';

/** How long something that follows from an event is tried for, in milliseconds, before those who wait for it are sent away. */
export const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

/** Whether trying again may help: everything but an answer of ours. */
export const mayPass = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === null || code === 'UNAVAILABLE' || code === 'INTERNAL';
};

/**
 * Tries until it succeeds, with growing pauses, for {@link PATIENCE_MS}. A coded error of ours is an answer, and thrown at once.
 * @param isOver whether nobody waits for it any more
 * @throws UNAVAILABLE with what went wrong last as its `originalError`
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
