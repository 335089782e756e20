import { slowConsumer } from '../realtime/hub.js';
import { createSlot, type Outbox, type Slot } from './outbox.js';
import { bytesOf, type Deliver, type Encoded, type Subscription } from './subscribe.js';

/**
 * Delivers one subscription straight into the socket's outbox. What is left to the protocol library is its end: the iterator
 * yields nothing, ends when the subscription does, and when the library leaves it (the client's `complete`, a closed socket), what is still
 * queued for it is forgotten.
 */
export const deliverTo =
  (outbox: Outbox, id: string): Deliver =>
  (source, sharing, audience) => {
    let slots: readonly Slot[] = [];
    let leave: (() => void) | null = null;
    let settle: { resolve: (result: IteratorResult<never>) => void; reject: (reason: unknown) => void } | null = null;
    const end = (error: unknown): void => settle?.reject(error);
    const memberOf = () => {
      // One slot for each key: of a state, each key's newest value is kept.
      const slot = createSlot(id, source.kind, () => {
        leave?.();
        end(slowConsumer());
      });
      slots = [...slots, slot];
      return { audience, end, room: () => outbox.room(), deliver: deliverInto(outbox, slot) };
    };
    const subscription: Subscription = {
      next: () =>
        new Promise((resolve, reject) => {
          settle = { resolve, reject };
          leave = source.attach(sharing, memberOf);
        }),
      return: async () => {
        leave?.();
        for (const slot of slots) outbox.forget(slot);
        settle?.resolve({ done: true, value: undefined as never });
        return await Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => subscription,
    };
    return subscription;
  };

/** Made here, where it holds on to nothing but what each event needs. */
const deliverInto = (outbox: Outbox, slot: Slot) => (results: readonly Encoded[]) => outbox.next(slot, buffersOf(results));

/** The bytes of results, which those who share them are given as the same array. */
const buffersOf = (results: readonly Encoded[]): readonly Buffer[] => {
  let buffers = known.get(results);
  if (!buffers) known.set(results, (buffers = results.map(bytesOf)));
  return buffers;
};
const known = new WeakMap<readonly Encoded[], readonly Buffer[]>();
