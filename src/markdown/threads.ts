import { Worker } from 'node:worker_threads';
import { coded } from '../errors.js';
import { hasCode } from '../observability/failures.js';
import { fromRoot } from '../root.js';
import { cpuClockOf } from './cpu-time.js';
import type { Bound } from './limits.js';
import type { Kind, Question, Reply, Works } from './work.js';

/** What became of a question: an answer, unless it took more work than it may, or more memory; and the work, in milliseconds of processor time. */
export type Outcome<Answer> = { readonly ms: number } & ({ readonly isDone: true; readonly answer: Answer } | { readonly isDone: false });

/** Threads that read texts of which nobody knows how much work they are. */
export interface Threads {
  /**
   * @throws UNAVAILABLE when too many wait, or when it has waited or worked for too long because others had the processor
   */
  readonly ask: <K extends Kind>(question: Question<K>, bound: Bound) => Promise<Outcome<Works[K]['answer']>>;
  readonly stop: () => Promise<void>;
}

/** Two, so that a long text never holds up the short ones: of those that are longer than this, one is worked at. In UTF-16 code units. */
const THREADS = 2;
const LONG = 20_000;
/** So many may wait. */
const MAX_WAITING = 1_000;
/** How often it is looked how much a thread has worked, in milliseconds. */
const LOOK_MS = 25;
/** A thread that has had nothing to do for so long is ended, in milliseconds: with its grammars it takes some 60 MB. */
const IDLE_MS = 120_000;
/** A text may not take more memory, in megabytes. */
const MEMORY_MB = 256;

/** The thread runs what is compiled, also where the sources themselves are run, as by the tests. */
const SCRIPT = fromRoot('dist/markdown/thread.js');

const tooMuch = (): Error => coded('UNAVAILABLE', 'There is too much Markdown to read at the moment. Try again later.');

interface Task {
  readonly question: Question;
  readonly bound: Bound;
  readonly resolve: (outcome: Outcome<unknown>) => void;
  readonly reject: (error: unknown) => void;
  readonly patience: NodeJS.Timeout;
}

/** What comes of a thread. */
type Event = Reply | { readonly kind: 'exhausted' } | { readonly kind: 'gone'; readonly error: Error };

interface Thread {
  readonly worker: Worker;
  readonly threadId: number | null;
  /** Who waits for it. */
  hear: (event: Event) => void;
}

/** A place where one question is worked at after the other. The thread is started when it is needed, and another one after it was ended. */
interface Desk {
  thread: Promise<Thread> | null;
  task: Task | null;
  idle: NodeJS.Timeout | null;
}

const start = (desk: Desk): Promise<Thread> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(SCRIPT, { resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB } });
    // A process that has nothing else to do may end.
    worker.unref();
    let thread: Thread | null = null;
    const gone = (error: Error): void => {
      desk.thread = null;
      reject(error);
      thread?.hear(hasCode(error, 'ERR_WORKER_OUT_OF_MEMORY') ? { kind: 'exhausted' } : { kind: 'gone', error });
    };
    worker.on('error', gone);
    worker.on('exit', () => gone(tooMuch()));
    worker.on('message', (reply: Reply) => {
      if (reply.kind !== 'ready') return thread?.hear(reply);
      thread = { worker, threadId: reply.threadId, hear: () => undefined };
      resolve(thread);
    });
  });

const end = async (desk: Desk): Promise<void> => {
  if (desk.idle !== null) clearTimeout(desk.idle);
  const ending = desk.thread;
  desk.thread = null;
  const thread = await ending?.catch(() => null);
  await thread?.worker.terminate();
};

/** Asks a thread, and gives up when it works for too long; then it still works, and has to be ended. */
const askThread = async (desk: Desk, { question, bound }: Task, late: AbortSignal): Promise<Outcome<unknown>> => {
  const thread = await (desk.thread ??= start(desk));
  const clock = cpuClockOf(thread.threadId);
  let look: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => resolve({ isDone: false, ms: clock.ms() });
      look = setInterval(() => clock.ms() > bound.ms && giveUp(), LOOK_MS);
      late.addEventListener('abort', () => reject(tooMuch()));
      thread.hear = (event) => {
        if (event.kind === 'answer') resolve({ isDone: true, answer: event.answer, ms: clock.ms() });
        else if (event.kind === 'exhausted') giveUp();
        else if (event.kind === 'gone') reject(event.error);
        else if (event.kind === 'error') reject(new Error(event.message));
      };
      thread.worker.postMessage(question);
    });
  } finally {
    clearInterval(look);
    thread.hear = () => undefined;
  }
};

export const createThreads = (): Threads => {
  const desks: readonly Desk[] = Array.from({ length: THREADS }, () => ({ thread: null, task: null, idle: null }));
  const waiting: Task[] = [];
  let stopped = false;

  const isLong = ({ question }: Task): boolean => question.source.length > LONG;

  /** The next task that may be worked at. */
  const next = (): Task | undefined => {
    const mayBeLong = !desks.some(({ task }) => task !== null && isLong(task));
    const at = waiting.findIndex((task) => mayBeLong || !isLong(task));
    return at === -1 ? undefined : waiting.splice(at, 1)[0];
  };

  const work = async (desk: Desk, task: Task): Promise<void> => {
    const late = new AbortController();
    clearTimeout(task.patience);
    const patience = setTimeout(() => late.abort(), task.bound.waitMs);
    try {
      const outcome = await askThread(desk, task, late.signal);
      if (!outcome.isDone) await end(desk);
      task.resolve(outcome);
    } catch (error) {
      await end(desk);
      task.reject(error);
    } finally {
      clearTimeout(patience);
      desk.task = null;
      desk.idle = setTimeout(() => void end(desk), IDLE_MS).unref();
      begin();
    }
  };

  const begin = (): void => {
    // One that is started already comes first.
    const free = desks.filter(({ task }) => task === null).sort((a, b) => Number(a.thread === null) - Number(b.thread === null));
    for (const desk of free) {
      const task = next();
      if (task === undefined) return;
      if (desk.idle !== null) clearTimeout(desk.idle);
      desk.task = task;
      void work(desk, task);
    }
  };

  const ask = (question: Question, bound: Bound): Promise<Outcome<unknown>> =>
    new Promise((resolve, reject) => {
      if (stopped || waiting.length >= MAX_WAITING) return reject(tooMuch());
      const patience = setTimeout(() => {
        waiting.splice(waiting.indexOf(task), 1);
        reject(tooMuch());
      }, bound.waitMs);
      const task: Task = { question, bound, resolve, reject, patience };
      waiting.push(task);
      begin();
    });

  return {
    ask: ask as Threads['ask'],
    stop: async () => {
      stopped = true;
      for (const task of waiting.splice(0)) {
        clearTimeout(task.patience);
        task.reject(tooMuch());
      }
      await Promise.all(desks.map(end));
    },
  };
};
