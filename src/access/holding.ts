import { setTimeout as delay } from 'node:timers/promises';

/** How long a refusal is held back, in milliseconds: too short for a person to notice, and long for a program that asks again at once. */
const HOLD_MS = 100;
/** The most refusals that are held back at a time; further ones are answered at once. */
const MAX_HELD = 1_000;

/** Makes a check whose refusal is held back. @returns null when it has passed, else a promise that rejects with what it has thrown */
export type HoldBack = (check: () => void) => Promise<never> | null;

/**
 * Refuses slowly. Whoever asks again as soon as they are refused makes a process do little else than refuse: eight requests at a time are
 * eight refusals that everybody else's request waits behind. Held back, they are eighty a second, which nobody notices.
 */
export const createHoldBack = (): HoldBack => {
  let held = 0;
  const hold = async (refusal: unknown): Promise<never> => {
    if (held >= MAX_HELD) throw refusal;
    held += 1;
    await delay(HOLD_MS);
    held -= 1;
    throw refusal;
  };
  return (check) => {
    try {
      check();
      return null;
    } catch (refusal) {
      return hold(refusal);
    }
  };
};
