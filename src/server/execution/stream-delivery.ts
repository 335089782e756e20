import type { ExecutionResult } from 'graphql';
import { createQueueing, readUntilLeft } from '../../realtime/source.js';
import type { Ask } from '../../graphql/topic-field.js';
import type { Revocable } from '../rights/access-watch.js';
import type { Audience } from './audience.js';
import type { Encoded, FoundSubscription } from './subscribe.js';

/**
 * The results of a subscription for one who reads them as they come, such as a stream of server-sent events. The subscription begins with the first
 * read, and is let go of when its reader leaves, or when it is over.
 * @param queueLimit results that may wait to be read
 */
export const resultsOf = (found: FoundSubscription, queueLimit: number): AsyncIterableIterator<ExecutionResult> =>
  new WatchedResults(found, queueLimit);

/** Results that end, whatever waits in them, when the rights to them do. */
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
    // It may be revoked before anyone has read from it.
    if (!this.#isRevoked()) {
      try {
        const next = await this.#results.next();
        // What comes at the same moment as the revocation is not shown.
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
