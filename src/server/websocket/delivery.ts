import type { GraphQLError } from 'graphql';
import { slowConsumer, type Attached } from '../../realtime/source.js';
import type { Member } from '../../realtime/share.js';
import type { AuthorizedSource } from '../../graphql/topic-field.js';
import type { AccessWatch, Revocable } from '../rights/access-watch.js';
import type { Audience } from '../execution/audience.js';
import type { SendQueue, Slot } from './send-queue.js';
import type { Encoded, FoundSubscription } from '../execution/subscribe.js';

/** Shared by all subscriptions that a server delivers in the same way: over WebSockets, or as event streams. */
export interface Delivery {
  readonly mask: (error: unknown) => GraphQLError;
  /** The bytes of results; subscribers who share the results get the same array. */
  readonly buffersOf: (results: readonly Encoded[]) => readonly Buffer[];
}

/** @param encode the bytes of a result, which it caches */
export const createDelivery = (mask: Delivery['mask'], encode: (result: Encoded) => Buffer): Delivery => {
  // The latest answer is cached, because thousands of subscribers ask for the same results one after the other.
  let latest: { readonly results: readonly Encoded[]; readonly buffers: readonly Buffer[] } = { results: [], buffers: [] };
  return {
    mask,
    buffersOf: (results) => {
      if (results !== latest.results) latest = { results, buffers: results.map(encode) };
      return latest.buffers;
    },
  };
};

export interface DeliveredOptions {
  /** The bytes of each of its results up to the payload. */
  readonly head: Buffer;
  readonly sendQueue: SendQueue;
  readonly delivery: Delivery;
  /** Called once, when it is over: with an error, or with null when it is complete or was closed. */
  readonly onEnd?: ((error: unknown) => void) | null;
}

/**
 * Delivers the results of one subscription directly to the connection's send queue. The reader is left only the end: the iterator yields
 * nothing and finishes when the subscription does. When it is closed (the client's `complete`, a closed socket), the results still queued
 * are dropped.
 *
 * It is one object that plays all roles of a subscription, because a socket may have hundreds of them.
 */
export class Delivered implements AsyncIterableIterator<never>, Revocable {
  readonly head: Buffer;
  readonly kind: AuthorizedSource['kind'];
  readonly audience: Audience;
  readonly sendQueue: SendQueue;
  readonly delivery: Delivery;
  readonly reauthorize: Revocable['reauthorize'];
  readonly #watch: AccessWatch | null;
  readonly #onEnd: ((error: unknown) => void) | null;
  #attach: (() => Attached) | null;
  #attached: Attached | null = null;
  readonly #slots = new Set<DeliverySlot>();
  #settle: { resolve: (result: IteratorResult<never>) => void; reject: (reason: unknown) => void } | null = null;
  #end: { readonly error: unknown } | null = null;

  constructor(
    { head, sendQueue, delivery, onEnd = null }: DeliveredOptions,
    { source, sharing, audience, watch, generation }: FoundSubscription,
  ) {
    this.head = head;
    this.kind = source.kind;
    this.audience = audience;
    this.sendQueue = sendQueue;
    this.delivery = delivery;
    this.reauthorize = source.reauthorize;
    this.#watch = watch;
    this.#onEnd = onEnd;
    this.#attach = () =>
      source.attach(sharing, () => {
        // A slot for each key: of a state topic the newest value of every key is kept.
        const slot = new DeliverySlot(this);
        this.#slots.add(slot);
        return slot;
      });
    watch?.watch(this, generation);
  }

  /** Ends the subscription because its rights were withdrawn: its queued results are dropped and the client gets the error. */
  revoke(error: unknown): void {
    this.#drop();
    this.end(error);
  }

  /** Ends the subscription after its queued results: with an error, or with null when it is complete. */
  end(error: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#onEnd?.(error);
    this.#leave();
    if (this.#settle) this.#tell(this.#settle);
  }

  next(): Promise<IteratorResult<never>> {
    return new Promise((resolve, reject) => {
      const settle = { resolve, reject };
      // The subscription may have ended before the library reads from it.
      if (this.#end) return this.#tell(settle);
      this.#settle = settle;
      const attach = this.#attach;
      this.#attach = null;
      if (attach) this.#attached = attach();
      // Attaching may have ended the subscription, or the client may have left meanwhile.
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
    // The error is reported once; a further read finds the end.
    this.#end = { error: null };
    if (error === null) resolve({ done: true, value: undefined });
    else reject(this.delivery.mask(error));
  }

  /** Drops the queued results of a slot; nothing further is sent for it. */
  forget(slot: DeliverySlot): void {
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

/** The results of one key of a subscription. */
class DeliverySlot implements Member<Audience, Encoded>, Slot {
  readonly #subscription: Delivered;

  constructor(subscription: Delivered) {
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
    // After a regular end, the queued results are still sent.
    if (!this.#subscription.isOver()) this.#subscription.forget(this);
  }

  room(): Promise<void> {
    return this.#subscription.sendQueue.room();
  }

  onOverflow(): void {
    this.#subscription.end(slowConsumer());
  }
}
