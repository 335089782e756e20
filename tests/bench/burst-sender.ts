/** Sends the messages of a burst for {@link file://./web.ts}, in a process of its own: whoever types meanwhile must not wait for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { apiAt } from '../kit/api.js';
import type { TestUser } from '../kit/app.js';
import { aMessage } from '../kit/factories.js';
import { serve } from './child.js';

export interface Burst {
  readonly url: string;
  readonly writer: TestUser;
  readonly conversation: string;
  /** Messages a second. */
  readonly rate: number;
  readonly count: number;
}

const handlers = {
  /** Sends all of them when they are due, and resolves when all have been answered, with the milliseconds that it took. */
  send: async ({ url, writer, conversation, rate, count }: Burst): Promise<number> => {
    const api = apiAt(url);
    const begun = performance.now();
    const underWay: Promise<unknown>[] = [];
    for (let sent = 0; sent < count; sent += 1) {
      const due = begun + (sent * 1_000) / rate;
      if (due > performance.now()) await delay(due - performance.now());
      underWay.push(aMessage(api, writer, conversation, `Burst ${sent} of ${count}`));
    }
    await Promise.all(underWay);
    return performance.now() - begun;
  },
};
export type BurstSender = typeof handlers;

serve(handlers);
