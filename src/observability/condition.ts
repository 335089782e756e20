import type { Log } from './log.js';

/**
 * A bad state of something that this process depends on, such as a database that cannot be reached. However many requests run into it, the log
 * gets one line with the reason when it begins, reminders after ten seconds, twenty, forty and so on, and one line when it is over.
 */
export interface Condition {
  /** Whether it has begun and is not over yet. */
  readonly holds: boolean;
  /** Something has just failed because of it, for this reason. */
  readonly hold: (reason: string) => void;
  /**
   * A request was refused because of it. Refusals of one moment count once: they are the errors of one request, or of requests that shared a
   * look-up, so that the log tells no more requests than there were.
   */
  readonly refuse: () => void;
  /**
   * Something has just worked that fails under this condition: it is over, unless it is met again within `settleMs` milliseconds. A
   * database that flaps is therefore one condition.
   */
  readonly clear: (settleMs: number) => void;
}

export interface ConditionOptions {
  readonly log: Log;
  /** A unique name of one word, to search the log for. */
  readonly name: string;
  /** The log messages for its beginning and its end, as sentences. The end is told with the time from one line to the other. */
  readonly began: string;
  readonly over: string;
}

/** The pause before the first reminder, in milliseconds; each further pause is twice as long. */
const FIRST_REMINDER_MS = 10_000;
const LAST_REMINDER_MS = 3_600_000;

export const createCondition = ({ log, name, began, over }: ConditionOptions): Condition => {
  let since: number | null = null;
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
    // At the level of the beginning, so that every log that shows one shows the other.
    log.warn({ condition: name, forMs: Math.round(performance.now() - since), refused }, over);
    since = null;
  };

  return {
    get holds() {
      return since !== null;
    },
    hold: (reason) => {
      const now = performance.now();
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
