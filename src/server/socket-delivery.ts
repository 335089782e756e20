import { slowConsumer } from '../realtime/hub.js';
import { createSlot, type Outbox } from './outbox.js';
import type { Deliver, Encoded, Subscription } from './subscribe.js';

/**
 * Delivers one subscription straight into the socket's outbox. What is left to the protocol library is its end: the iterator
 * yields nothing, ends when the subscription does, and when the library leaves it (the client's `complete`, a closed socket), what is still
 * queued for it is forgotten.
 */
export const deliverTo =
  (outbox: Outbox, id: string): Deliver =>
  (source, sharing, audience) => {
    const forgets: (() => void)[] = [];
    let leave: (() => void) | null = null;
    let settle: { resolve: (result: IteratorResult<never>) => void; reject: (reason: unknown) => void } | null = null;
    const end = (error: unknown): void => settle?.reject(error);
    const memberOf = () => {
      // One slot for each key: of a state, each key's newest value is kept.
      const slot = createSlot(id, source.kind, () => {
        leave?.();
        end(slowConsumer());
      });
      forgets.push(() => outbox.forget(slot));
      return {
        audience,
        end,
        room: outbox.room,
        deliver: (results: readonly Encoded[]) =>
          outbox.next(
            slot,
            results.map(({ bytes }) => bytes),
          ),
      };
    };
    const subscription: Subscription = {
      next: () =>
        new Promise((resolve, reject) => {
          settle = { resolve, reject };
          leave = source.attach(sharing, memberOf);
        }),
      return: async () => {
        leave?.();
        for (const forget of forgets) forget();
        settle?.resolve({ done: true, value: undefined as never });
        return await Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => subscription,
    };
    return subscription;
  };
