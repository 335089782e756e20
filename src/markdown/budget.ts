import { createContext, Script } from 'node:vm';
import { Lexer } from 'marked';
import { hasCode } from '../observability/failures.js';

/** The longest text that is rendered, in UTF-16 code units: an entry has no more. */
export const MARKDOWN_MAX = 200_000;

/**
 * The longest time that one text may block the event loop, in milliseconds. Ordinary texts of MARKDOWN_MAX characters take about 60.
 * Malicious ones would take minutes, because some constructs are quadratic in marked, such as thousands of lazy lines in a list item.
 */
const BUDGET_MS = 500;

/**
 * The longest time that rendering one text may block the event loop, in milliseconds. Ordinary texts of MARKDOWN_MAX characters take about 60.
 */
export const RENDER_MS = 200;

// The timeout of a `vm` script is the only way to stop a synchronous parser, including its regular expressions. The context serves only to
// start the work, which runs outside it; setting the timeout costs about 0.05 ms.
const start = new Script('work()');
const sandbox: { work: (() => void) | null } = { work: null };
const context = createContext(sandbox);

const wasStopped = (error: unknown): boolean =>
  // Too deep nesting throws a RangeError. The timeout's error comes from the other context, whose Error is another constructor.
  error instanceof RangeError || hasCode(error, 'ERR_SCRIPT_EXECUTION_TIMEOUT');

/** A stopped parser may leave `lastIndex` set in a regular expression that all lexers share; the next search would start there. */
const resetRules = (): void => {
  for (const rules of [Lexer.rules.inline.normal, Lexer.rules.inline.gfm]) {
    for (const rule of Object.values(rules)) rule.lastIndex = 0;
  }
};

/**
 * Runs synchronous work on an untrusted Markdown text. Returns the result of `otherwise` when the work exceeds the budget or the
 * stack. The work may be stopped at any point, without running its `finally` blocks, so it must not change shared state. Other errors are
 * thrown. Calls must not be nested.
 */
export const withinBudget = <T>(work: () => T, otherwise: () => T, budgetMs = BUDGET_MS): T => {
  const results: T[] = [];
  sandbox.work = () => {
    results.push(work());
  };
  try {
    start.runInContext(context, { timeout: budgetMs });
  } catch (error) {
    if (!wasStopped(error)) throw error;
    resetRules();
  } finally {
    sandbox.work = null;
  }
  const [result] = results;
  return results.length === 1 ? (result as T) : otherwise();
};

/** The part of its time that a text must have been worked on to be given up. */
const MOST = 0.75;

/** The time that this process has worked, in milliseconds. */
export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/**
 * The same as {@link withinBudget} for work that is to be done whatever else the machine does: where others had the processor meanwhile, it gets another
 * chance. @returns null when it was given up
 */
export const withinWork = <T>(work: () => T, budgetMs: number): T | null => {
  const attempt = (ms: number): T | null => withinBudget<T | null>(work, () => null, ms);
  const startedAt = cpuMs();
  const result = attempt(budgetMs);
  return result === null && cpuMs() - startedAt < budgetMs * MOST ? attempt(budgetMs * 4) : result;
};
