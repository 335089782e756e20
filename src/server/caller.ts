import type { Context, Services, Viewer } from '../context.js';
import { TokenError, type TokenSubject } from '../domains/account/tokens.js';
import { codeOf } from '../errors.js';
import { accessRevoked } from '../realtime/share.js';

/** A verified token: whom it was made for, and until when it is good. */
export interface Claim {
  readonly subject: TokenSubject;
  readonly expiresAt: Date;
}

/** Asks a field's rules again, as somebody who comes now; rejects when they would be refused. */
export type Reauthorize = (context: Context) => Promise<unknown>;

/** A subscription that can be ended from outside. */
export interface Revocable {
  readonly reauthorize: Reauthorize;
  /** Ends it with an error; what waits in it is dropped. */
  revoke(error: unknown): void;
}

export interface CallerOptions {
  readonly services: Services;
  readonly client: Context['client'];
  readonly claim: Claim;
  readonly viewer: Viewer;
  /** Who the holder of a token is now. @throws TokenError */
  readonly findViewer: (subject: TokenSubject) => Promise<Viewer>;
  /** How often something has happened to the user's rights that was heard of here. */
  readonly generation: () => number;
  /** Has everyone of this user asked again. */
  readonly changed: () => void;
  /** Called once, when the caller has gone. */
  readonly onLeave: () => void;
  /** Called once, when they may not stay: a TokenError, or what kept us from finding out. */
  readonly onEnd: (error: unknown) => void;
}

/** The longest that a timer can wait; beyond it, it would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One who is here with a token: a socket, or one stream of server-sent events. It is the audience of its subscriptions, and its viewer
 * is who they are now. It ends when the token expires or the session is revoked; its subscriptions, when their rules say so.
 */
export class Caller {
  readonly client: Context['client'];
  readonly #options: CallerOptions;
  readonly #subscriptions = new Set<Revocable>();
  #viewer: Viewer;
  #claim: Claim;
  #expiry: NodeJS.Timeout | null = null;
  #left = false;
  #ended: { readonly error: unknown } | null = null;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.client = options.client;
    this.#viewer = options.viewer;
    this.#claim = options.claim;
    this.#awaitExpiry();
  }

  get viewer(): Viewer {
    return this.#viewer;
  }

  get expiresAt(): Date {
    return this.#claim.expiresAt;
  }

  /** To be read before a subscription's rules are asked, for {@link guard}. */
  get generation(): number {
    return this.#options.generation();
  }

  /**
   * Watches over a subscription, until {@link unwatch}: it is ended with ACCESS_REVOKED when its rules, asked again, refuse it.
   * @param seen the generation before its rules were asked; when something has happened since, they are asked again at once
   */
  watch(subscription: Revocable, seen: number): void {
    this.#subscriptions.add(subscription);
    if (this.#ended) subscription.revoke(this.#ended.error);
    else if (this.generation !== seen) this.#options.changed();
  }

  unwatch(subscription: Revocable): void {
    this.#subscriptions.delete(subscription);
  }

  /**
   * Watches over a subscription that is read from the iterator which this returns.
   * @param onFinish called once when it is over, however
   */
  guard<Item>(
    subscription: AsyncIterableIterator<Item>,
    reauthorize: Reauthorize,
    seen: number,
    onFinish: () => void,
  ): AsyncIterableIterator<Item> {
    const guarded: Guarded<Item> = new Guarded(subscription, reauthorize, () => {
      this.unwatch(guarded);
      onFinish();
    });
    this.watch(guarded, seen);
    return guarded;
  }

  /**
   * Puts a fresh token of the same user, which has been verified, in the place of the present one. The caller ends when its session is no
   * longer there.
   */
  async renew(claim: Claim): Promise<void> {
    // Before anything is awaited: the token before may expire meanwhile, and its session be closed.
    this.#claim = claim;
    this.#awaitExpiry();
    await this.recheck();
  }

  /** Asks again who this is and what they may follow. Never rejects. */
  async recheck(): Promise<void> {
    const { subject } = this.#claim;
    try {
      const viewer = await this.#options.findViewer(subject);
      if (this.#claim.subject === subject) this.#viewer = viewer;
    } catch (error) {
      // Unless another token has come meanwhile, which is looked up by itself.
      if (this.#claim.subject === subject) this.end(error);
      return;
    }
    const { services } = this.#options;
    const context: Context = { ...services, viewer: this.#viewer, client: this.client };
    await Promise.all(
      [...this.#subscriptions].map(async (subscription) => {
        try {
          await subscription.reauthorize(context);
        } catch (error) {
          // When there is no answer, whoever may still follow it comes back by themselves.
          subscription.revoke(codeOf(error) === null ? error : accessRevoked());
        }
      }),
    );
  }

  /** Ends all subscriptions with an error. */
  revokeAll(error: unknown): void {
    for (const subscription of [...this.#subscriptions]) subscription.revoke(error);
  }

  end(error: unknown): void {
    if (this.#left) return;
    this.#ended = { error };
    this.leave();
    this.#options.onEnd(error);
  }

  /** Nothing is followed for them any more. Safe to call again. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#expiry) clearTimeout(this.#expiry);
    this.#options.onLeave();
  }

  #awaitExpiry(): void {
    if (this.#expiry) clearTimeout(this.#expiry);
    if (this.#left) return;
    const wait = this.#claim.expiresAt.getTime() - this.#options.services.clock.now();
    // A timer may be a moment early, or have been as long as one can be: then the rest is waited for.
    const due = (): void => {
      if (this.#claim.expiresAt.getTime() <= this.#options.services.clock.now()) this.end(new TokenError('expired'));
      else this.#awaitExpiry();
    };
    this.#expiry = setTimeout(due, Math.min(Math.max(wait, 1), MAX_TIMEOUT_MS)).unref();
  }
}

/** A subscription that somebody reads. */
class Guarded<Item> implements AsyncIterableIterator<Item>, Revocable {
  readonly reauthorize: Reauthorize;
  readonly #inner: AsyncIterableIterator<Item>;
  readonly #onFinish: () => void;
  #failure: { readonly error: unknown } | null = null;
  #over = false;

  constructor(inner: AsyncIterableIterator<Item>, reauthorize: Reauthorize, onFinish: () => void) {
    this.#inner = inner;
    this.reauthorize = reauthorize;
    this.#onFinish = onFinish;
  }

  revoke(error: unknown): void {
    if (this.#over || this.#failure) return;
    this.#failure = { error };
    this.#inner.return?.().catch(() => undefined);
  }

  async next(): Promise<IteratorResult<Item>> {
    if (this.#over) return { done: true, value: undefined };
    // It may be revoked before anyone has read from it.
    if (!this.#isRevoked()) {
      try {
        const result = await this.#inner.next();
        // What comes at the same moment as the revocation is not shown.
        if (result.done !== true && !this.#isRevoked()) return result;
      } catch (error) {
        this.#finish();
        throw error;
      }
    }
    this.#finish();
    if (this.#failure) throw this.#failure.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Item>> {
    this.#finish();
    await this.#inner.return?.();
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
    this.#onFinish();
  }
}
