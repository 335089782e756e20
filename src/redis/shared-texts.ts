import type { Config } from '../config.js';
import type { Condition } from '../observability/condition.js';
import { reasonOf } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import { connectRedis } from './connection.js';
import { inTime } from './in-time.js';

/** Texts that the processes hand to each other by an id. Whoever gets one must be able to tell by the id that it is the right one. */
export interface SharedTexts {
  /** Null for an unknown id, and while Redis does not answer. */
  readonly get: (id: string) => Promise<string | null>;
  /** Keeps a text for `ttlMs` milliseconds from now. Nobody waits for it, and it may fail. */
  readonly set: (id: string, text: string, ttlMs: number) => void;
  readonly close: () => Promise<void>;
}

/** How long Redis may leave a command unanswered before the connection counts as lost, in milliseconds. */
const PATIENCE_MS = 1_000;

/** @returns null without Redis: one process has nobody to hand anything to */
export const createSharedTexts = (
  { url, prefix }: Config['redis'],
  { name, log, away }: { readonly name: string; readonly log: Log; readonly away: Condition },
): SharedTexts | null => {
  if (url === null) return null;
  const connection = connectRedis({ url, name: `${prefix}${name}`, patienceMs: PATIENCE_MS, log, away, onReady: () => undefined });
  const keyOf = (id: string): string => `${prefix}${name}:${id}`;
  /** A lost connection is logged by `connection.ts`; a command that fails costs a client another request. */
  const failed = (error: unknown): null => {
    log.debug({ reason: reasonOf(error) }, 'Redis did not keep or find a text');
    return null;
  };
  return {
    get: async (id) => (connection.ready ? await inTime(connection.client.get(keyOf(id))).catch(failed) : null),
    set: (id, text, ttlMs) => {
      if (connection.ready) connection.client.set(keyOf(id), text, 'PX', ttlMs).catch(failed);
    },
    close: () => connection.close(),
  };
};
