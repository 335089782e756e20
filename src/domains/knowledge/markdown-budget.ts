import { createContext, Script } from 'node:vm';
import { Lexer } from 'marked';

/** Characters (UTF-16 units) in the content of an entry. */
export const CONTENT_MAX = 200_000;

/**
 * Milliseconds one Markdown text may hold the event loop. Honest texts of CONTENT_MAX characters take about 60; texts
 * made to hurt (some are quadratic in marked, such as thousands of lazy lines in a list item) would take minutes.
 */
const BUDGET_MS = 500;

// A watchdog of `vm` is the one thing that can end a synchronous parser, regular expressions included. The work itself
// runs outside the context, which serves only to start it; arming the watchdog costs about 0.05 ms.
const start = new Script('work()');
const sandbox: { work: (() => void) | null } = { work: null };
const context = createContext(sandbox);

const wasStopped = (error: unknown): boolean =>
  // Nesting that exhausts the stack is a RangeError. The error of the watchdog comes from the other context, where
  // Error is another constructor.
  error instanceof RangeError ||
  (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT');

/** Work that was stopped may leave a position in a rule all lexers share, where the next search would start. */
const resetRules = (): void => {
  for (const rules of [Lexer.rules.inline.normal, Lexer.rules.inline.gfm]) {
    for (const rule of Object.values(rules)) rule.lastIndex = 0;
  }
};

/**
 * Does synchronous work on a Markdown text nobody vouches for: its result, or that of `otherwise` when the work took
 * more than {@link BUDGET_MS} or exhausted the stack. The work must leave nothing half done behind, as it may be
 * stopped at any point, without its `finally`. Other errors pass through. Does not nest.
 */
export const withinBudget = <T>(work: () => T, otherwise: () => T): T => {
  const results: T[] = [];
  sandbox.work = () => {
    results.push(work());
  };
  try {
    start.runInContext(context, { timeout: BUDGET_MS });
  } catch (error) {
    if (!wasStopped(error)) throw error;
    resetRules();
  } finally {
    sandbox.work = null;
  }
  const [result] = results;
  return results.length === 1 ? (result as T) : otherwise();
};
