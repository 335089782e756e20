import type { GraphQLError } from 'graphql';
import { slowConsumer, type Attached } from '../../realtime/source.js';
import type { Member } from '../../realtime/share.js';
import type { AuthorizedSource } from '../../graphql/topic-field.js';
import type { AccessWatch, Revocable } from '../rights/access-watch.js';
import type { Audience } from '../execution/audience.js';
import { nextHead, type SendQueue, type Slot } from './send-queue.js';
import { bytesOf, type Encoded, type FoundSubscription } from '../execution/subscribe.js';

/** What all subscriptions of one server's sockets share. */
export interface SocketDelivery {
  readonly mask: (error: unknown) => GraphQLError;
  /** The bytes of results, which those who share them are given as the same array. */
  readonly buffersOf: (results: readonly Encoded[]) => readonly Buffer[];
}

export const createSocketDelivery = (mask: SocketDelivery['mask']): SocketDelivery => {
  // Those that were asked for last: one after the other, thousands ask for the same.
  let latest: { readonly results: readonly Encoded[]; readonly buffers: readonly Buffer[] } = { results: [], buffers: [] };
  return {
    mask,
    buffersOf: (results) => {
      if (results !== latest.results) latest = { results, buffers: results.map(bytesOf) };
      return latest.buffers;
    },
  };
};

export interface SocketSubscriptionOptions {
  readonly id: string;
  readonly sendQueue: SendQueue;
  readonly delivery: SocketDelivery;
}

/**
 * Delivers one subscription straight into the socket's send queue. What is left to the protocol library is its end: the iterator
 * yields nothing, ends when the subscription does, and when the library leaves it (the client's `complete`, a closed socket), what is still
 * queued for it is forgotten.
 *
 * One object for all that a subscription needs, because a socket may have hundreds of them.
 */
export class SocketSubscription implements AsyncIterableIterator<never>, Revocable {
  readonly head: Buffer;
  readonly kind: AuthorizedSource['kind'];
  readonly audience: Audience;
  readonly sendQueue: SendQueue;
  readonly delivery: SocketDelivery;
  readonly reauthorize: Revocable['reauthorize'];
  readonly #watch: AccessWatch | null;
  #attach: (() => Attached) | null;
  #attached: Attached | null = null;
  readonly #slots = new Set<SocketSlot>();
  #settle: { resolve: (result: IteratorResult<never>) => void; reject: (reason: unknown) => void } | null = null;
  #end: { readonly error: unknown } | null = null;

  constructor({ id, sendQueue, delivery }: SocketSubscriptionOptions, { source, sharing, audience, watch, generation }: FoundSubscription) {
    this.head = nextHead(id);
    this.kind = source.kind;
    this.audience = audience;
    this.sendQueue = sendQueue;
    this.delivery = delivery;
    this.reauthorize = source.reauthorize;
    this.#watch = watch;
    this.#attach = () =>
      source.attach(sharing, () => {
        // One for each key: of a state, each key's newest value is kept.
        const slot = new SocketSlot(this);
        this.#slots.add(slot);
        return slot;
      });
    watch?.watch(this, generation);
  }

  /** Ends it from outside: what waits in it is dropped, and its reader gets the error. */
  revoke(error: unknown): void {
    this.#drop();
    this.end(error);
  }

  /** Ends it after what is queued: by an error, or with null because it is over. */
  end(error: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#leave();
    if (this.#settle) this.#tell(this.#settle);
  }

  next(): Promise<IteratorResult<never>> {
    return new Promise((resolve, reject) => {
      const settle = { resolve, reject };
      // It may be over before anyone has read from it.
      if (this.#end) return this.#tell(settle);
      this.#settle = settle;
      const attach = this.#attach;
      this.#attach = null;
      if (attach) this.#attached = attach();
      // It may have ended, or have been left, by that.
      if (this.isOver()) this.#attached?.leave();
    });
  }

  async return(): Promise<IteratorResult<never>> {
    this.#drop();
    this.end(null);
    return await Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  isOver(): boolean {
    return this.#end !== null;
  }

  #tell({ resolve, reject }: { resolve: (result: IteratorResult<never>) => void; reject: (reason: unknown) => void }): void {
    const { error } = this.#end ?? { error: null };
    // Told once: who reads on finds the end.
    this.#end = { error: null };
    if (error === null) resolve({ done: true, value: undefined });
    else reject(this.delivery.mask(error));
  }

  /** What is queued for one stream is not to be sent, and nothing follows. */
  forget(slot: SocketSlot): void {
    if (this.#slots.delete(slot)) this.sendQueue.forget(slot);
  }

  #drop(): void {
    for (const slot of [...this.#slots]) this.forget(slot);
  }

  #leave(): void {
    this.#attach = null;
    this.#attached?.leave();
    this.#watch?.unwatch(this);
  }
}

/** What one stream delivers to a subscription. */
class SocketSlot implements Member<Audience, Encoded>, Slot {
  readonly #subscription: SocketSubscription;

  constructor(subscription: SocketSubscription) {
    this.#subscription = subscription;
  }

  get audience(): Audience {
    return this.#subscription.audience;
  }

  get head(): Buffer {
    return this.#subscription.head;
  }

  get policy(): Slot['policy'] {
    return this.#subscription.kind;
  }

  deliver(results: readonly Encoded[]): void {
    this.offer(results, true);
  }

  offer(results: readonly Encoded[], live: boolean): number {
    const { sendQueue, delivery } = this.#subscription;
    return sendQueue.next(this, delivery.buffersOf(results), live);
  }

  end(error: unknown): void {
    this.#subscription.end(error);
  }

  leave(): void {
    // After the end of the subscription what is queued is still to be sent.
    if (!this.#subscription.isOver()) this.#subscription.forget(this);
  }

  room(): Promise<void> {
    return this.#subscription.sendQueue.room();
  }

  onOverflow(): void {
    this.#subscription.end(slowConsumer());
  }
}
