import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createLimiter, tooMuch } from '../../db/limiter.js';
import { fromRoot } from '../../root.js';
import type { Strength } from './strength.js';
import type { Question } from './worker.js';

/** Estimates how hard passwords are to guess, in a thread of its own. */
export interface PasswordStrength {
  /**
   * @param personal what somebody who knows the person would try: their names, their address
   * @throws UNAVAILABLE when too many wait, or when it takes too long
   */
  readonly estimate: (password: string, personal: readonly string[]) => Promise<Strength>;
  readonly stop: () => Promise<void>;
}

/** So many may wait for the thread, and for so long, in milliseconds: an estimate takes a tenth of a second at the most. */
const MAX_WAITING = 100;
const MAX_WAIT_MS = 15_000;
/** How long an estimate may take, the start of the thread with its dictionaries included, in milliseconds. */
const PATIENCE_MS = 10_000;
/** A thread that has had nothing to do for so long is ended, in milliseconds: its dictionaries take 80 MB. */
const IDLE_MS = 120_000;

/** The thread runs what is compiled, also where the sources themselves are run, as by the tests. */
const SCRIPT = fromRoot('dist/access/password-strength/worker.js');

/** The thread is started when it is first needed. */
export const createPasswordStrength = (): PasswordStrength => {
  const limited = createLimiter(1, MAX_WAIT_MS, MAX_WAITING);
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | null = null;

  const end = async (): Promise<void> => {
    if (idle !== null) clearTimeout(idle);
    const ending = thread;
    thread = null;
    await ending?.terminate();
  };

  const start = (): Worker => {
    const started = new Worker(SCRIPT);
    // A process that has nothing else to do may end.
    started.unref();
    started.on('error', () => undefined);
    started.once('exit', () => {
      if (thread === started) thread = null;
    });
    return started;
  };

  const ask = async (question: Question): Promise<Strength> => {
    if (idle !== null) clearTimeout(idle);
    const asked = (thread ??= start());
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    const late = setTimeout(giveUp, PATIENCE_MS);
    asked.once('exit', giveUp);
    try {
      asked.postMessage(question);
      const [strength] = (await once(asked, 'message', { signal: over.signal })) as [Strength];
      idle = setTimeout(() => void end(), IDLE_MS).unref();
      return strength;
    } catch (error) {
      await end();
      throw over.signal.aborted ? tooMuch() : error;
    } finally {
      clearTimeout(late);
      asked.off('exit', giveUp);
    }
  };

  return { estimate: (password, personal) => limited(() => ask({ password, personal })), stop: end };
};
