import { setTimeout as delay } from 'node:timers/promises';
import { serve, type Handlers } from '../child.js';
import { now } from '../clock.js';

/** One who is compared, running in this process. */
export interface Contender {
  /** Of its WebSockets. */
  readonly url: string;
  /** Publishes the events from `first` on, all at once. */
  readonly publish: (first: number, count: number) => Promise<Published> | Published;
  /** Those that would be told of an event now. */
  readonly subscribers: () => number;
}

/** When events began their way, in {@link now}'s milliseconds, and the CPU that the process had used by then. */
export interface Published {
  readonly at: number;
  /** When the events had been read from the database, for who reads them from one. */
  readonly readAt?: number;
  readonly cpuMs: number;
}

export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** Publishes by calling `each`, for those who publish from memory. */
export const publishing =
  (each: (ordinal: number) => void) =>
  (first: number, count: number): Published => {
    const published = { at: now(), cpuMs: cpuMs() };
    for (let ordinal = first; ordinal < first + count; ordinal += 1) each(ordinal);
    return published;
  };

export interface Memory {
  /** Bytes in use by JavaScript and by its buffers, after garbage has been collected. */
  readonly heap: number;
  readonly rss: number;
}

const PATIENCE_MS = 60_000;
const collectGarbage = globalThis.gc;

/** What a contender counts among its subscribers that nobody has subscribed to: what it follows for each socket itself. */
let uncounted = 0;

const subscribed = async (contender: Contender, count: number): Promise<number> => {
  const deadline = now() + PATIENCE_MS;
  while (contender.subscribers() - uncounted !== count) {
    if (now() > deadline) throw new Error(`There are ${contender.subscribers() - uncounted} subscribers instead of ${count}.`);
    await delay(1);
  }
  return now();
};

const handlersOf = (contender: Contender) => ({
  url: (): string => contender.url,
  publish: ({ first, count }: { readonly first: number; readonly count: number }): Promise<Published> | Published =>
    contender.publish(first, count),
  /** One event at a time. */
  steady: async ({
    first,
    count,
    intervalMs,
  }: {
    readonly first: number;
    readonly count: number;
    readonly intervalMs: number;
  }): Promise<Published[]> => {
    const published: Published[] = [];
    for (let ordinal = first; ordinal < first + count; ordinal += 1) {
      published.push(await contender.publish(ordinal, 1));
      await delay(intervalMs);
    }
    return published;
  },
  /** Whoever is counted now is not counted among the subscribers; before sockets subscribe that are open. */
  discount: (): void => {
    uncounted = contender.subscribers();
  },
  /** Resolves when all are gone. */
  deserted: async (): Promise<void> => {
    uncounted = 0;
    await subscribed(contender, 0);
  },
  /** Resolves when there are so many subscribers; tells when. */
  subscribed: ({ count }: { readonly count: number }): Promise<number> => subscribed(contender, count),
  cpu: cpuMs,
  memory: async (): Promise<Memory> => {
    for (let pass = 0; pass < 3; pass += 1) {
      collectGarbage?.();
      await delay(50);
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed + external, rss };
  },
});

export type Contending = ReturnType<typeof handlersOf>;

export const contend = (contender: Contender, more: Handlers = {}): void => serve({ ...handlersOf(contender), ...more });
