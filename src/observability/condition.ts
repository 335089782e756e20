import type { Log } from './log.js';

/**
 * A state of something that this process depends on, such as a database that is away. However often it is met, it is told when it begins,
 * with its reason, then after ten seconds, twenty, forty and so on, and when it is over.
 */
export interface Condition {
  /** Whether it has begun and is not over yet. */
  readonly holds: boolean;
  /** It has just been met, for this reason. */
  readonly hold: (reason: string) => void;
  /** A request was refused because of it; those refused in one moment are errors of one request, and count once. */
  readonly refuse: () => void;
  /**
   * Something has just worked that it keeps from working: it is over, unless it is met again within `settleMs` milliseconds, so that what
   * comes and goes is one condition.
   */
  readonly clear: (settleMs: number) => void;
}

export interface ConditionOptions {
  readonly log: Log;
  /** Its name among all conditions: one word, for those who look for its lines. */
  readonly name: string;
  /** What is the case while it holds, and once it is over, as sentences. */
  readonly began: string;
  readonly over: string;
}

/** When it is told for the second time, in milliseconds after the first; each further time after twice as long. */
const FIRST_REMINDER_MS = 10_000;
const LAST_REMINDER_MS = 3_600_000;

export const createCondition = ({ log, name, began, over }: ConditionOptions): Condition => {
  let since: number | null = null;
  let metAt = 0;
  let reminderAt = 0;
  let reminderMs = FIRST_REMINDER_MS;
  let refused = 0;
  let counted = false;
  let settling: { readonly timer: NodeJS.Timeout; readonly dueAt: number } | null = null;

  const unsettle = (): void => {
    if (settling !== null) clearTimeout(settling.timer);
    settling = null;
  };

  const begin = (reason: string, now: number): void => {
    since = now;
    reminderMs = FIRST_REMINDER_MS;
    reminderAt = now + reminderMs;
    refused = 0;
    log.warn({ condition: name, reason }, began);
  };

  const remind = (reason: string, forMs: number, now: number): void => {
    reminderMs = Math.min(reminderMs * 2, LAST_REMINDER_MS);
    reminderAt = now + reminderMs;
    log.warn({ condition: name, reason, forMs, refused }, `still: ${began}`);
  };

  const end = (): void => {
    settling = null;
    if (since === null) return;
    // Whatever the level, who has read of the beginning reads of the end.
    log.warn({ condition: name, forMs: Math.round(metAt - since), refused }, over);
    since = null;
  };

  return {
    get holds() {
      return since !== null;
    },
    hold: (reason) => {
      const now = performance.now();
      metAt = now;
      unsettle();
      if (since === null) begin(reason, now);
      else if (now >= reminderAt) remind(reason, Math.round(now - since), now);
    },
    refuse: () => {
      if (since === null || counted) return;
      refused += 1;
      counted = true;
      queueMicrotask(() => (counted = false));
    },
    clear: (settleMs) => {
      const dueAt = performance.now() + settleMs;
      if (since === null || (settling !== null && settling.dueAt <= dueAt)) return;
      unsettle();
      settling = { timer: setTimeout(end, settleMs).unref(), dueAt };
    },
  };
};
