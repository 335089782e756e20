import type { ExecutionResult } from 'graphql';
import { createQueueing, readUntilLeft } from '../../realtime/source.js';
import type { Ask } from '../../graphql/topic-field.js';
import type { Revocable } from '../rights/access-watch.js';
import type { Audience } from './audience.js';
import type { Encoded, FoundSubscription } from './subscribe.js';

/**
 * The results of a subscription as an iterator, for server-sent events. The subscription attaches at the first read, and is closed when the
 * reader leaves or the subscription ends.
 * @param queueLimit how many results may wait to be read
 */
export const resultsOf = (found: FoundSubscription, queueLimit: number): AsyncIterableIterator<ExecutionResult> =>
  new WatchedResults(found, queueLimit);

/** An iterator that ends as soon as the rights to the subscription are withdrawn, even if results are waiting. */
class WatchedResults implements AsyncIterableIterator<ExecutionResult>, Revocable {
  readonly reauthorize: (ask: Ask) => Promise<unknown>;
  readonly #found: FoundSubscription;
  readonly #results: AsyncIterableIterator<Encoded>;
  #failure: { readonly error: unknown } | null = null;
  #over = false;

  constructor(found: FoundSubscription, queueLimit: number) {
    const { source, sharing, audience, watch, generation } = found;
    const { results, memberOf } = createQueueing<Audience, Encoded>(source.kind, audience, queueLimit);
    this.#found = found;
    this.#results = readUntilLeft(results, () => source.attach(sharing, memberOf));
    this.reauthorize = source.reauthorize;
    watch?.watch(this, generation);
  }

  revoke(error: unknown): void {
    if (this.#over || this.#failure) return;
    this.#failure = { error };
    this.#results.return?.().catch(() => undefined);
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#over) return { done: true, value: undefined };
    // The subscription may be revoked before the first read.
    if (!this.#isRevoked()) {
      try {
        const next = await this.#results.next();
        // A result that arrives together with the revocation is not delivered.
        if (next.done !== true && !this.#isRevoked()) return { done: false, value: next.value.result };
      } catch (error) {
        this.#finish();
        throw error;
      }
    }
    this.#finish();
    if (this.#failure) throw this.#failure.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#finish();
    await this.#results.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isRevoked(): boolean {
    return this.#failure !== null;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#found.watch?.unwatch(this);
    this.#found.leave();
  }
}
