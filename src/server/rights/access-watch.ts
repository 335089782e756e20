import type { Clock } from '../../clock.js';
import type { Principal } from '../../context.js';
import { TokenError } from '../../domains/account/tokens.js';
import { isRefusal } from '../../errors.js';
import { accessRevoked } from '../../realtime/share.js';
import type { Ask } from '../../graphql/topic-field.js';

/** A subscription that can be ended from outside. */
export interface Revocable {
  /** Asks the field's rules again, as somebody who comes now; rejects when they would be refused. */
  readonly reauthorize: (ask: Ask) => Promise<unknown>;
  /** Ends it with an error; what waits in it is dropped. */
  revoke(error: unknown): void;
}

export interface AccessWatchOptions {
  readonly clock: Clock;
  readonly principal: Principal;
  /** How often something has happened to the user's rights that was heard of here. */
  readonly generation: () => number;
  /** Has everything of this user asked again. */
  readonly changed: () => void;
  /** Has it asked again unless all that was heard of is known to this principal. */
  readonly catchUp: (principal: Principal) => void;
  /** Called once, when the watch is over. */
  readonly onLeave: () => void;
  /** Called once, when they may not stay: a TokenError, or what kept us from finding out. */
  readonly onEnd: (error: unknown) => void;
}

/** The longest that a timer can wait; beyond it, it would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The watch over one who is here with a credential: a socket, or one stream of server-sent events. Its principal is who they are now. It ends
 * when the credential expires or its session is revoked; its subscriptions, when their rules say so.
 */
export class AccessWatch {
  readonly #options: AccessWatchOptions;
  readonly #subscriptions = new Set<Revocable>();
  #principal: Principal;
  #expiry: NodeJS.Timeout | null = null;
  #renewals = 0;
  #left = false;
  #ended: { readonly error: unknown } | null = null;

  constructor(options: AccessWatchOptions) {
    this.#options = options;
    this.#principal = options.principal;
    this.#awaitExpiry();
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** To be read before a subscription's rules are asked, for {@link watch}. */
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
   * Puts the principal of a fresh credential, of the same user, in the place of the present one. Until it has been found, the present one is kept:
   * A's token runs out while the fresh one is looked up, and A stays.
   * @throws TokenError for a credential of somebody else; what kept it from being found
   */
  async renew(fresh: Promise<Principal>): Promise<void> {
    this.#renewals += 1;
    try {
      const principal = await fresh;
      if (principal.viewer.id !== this.#principal.viewer.id) throw new TokenError('invalid');
      this.#principal = principal;
    } finally {
      this.#renewals -= 1;
      this.#awaitExpiry();
    }
    this.#options.catchUp(this.#principal);
  }

  /**
   * Takes over who `before` is now; when they are no longer anybody, it is over. Nothing happens where another has taken the place of `before`, or
   * is about to.
   */
  update(before: Principal, now: Principal | null): void {
    if (this.#principal !== before) return;
    if (now !== null) this.#principal = now;
    else if (this.#renewals === 0) this.end(new TokenError('invalid'));
  }

  /** Has the rules of all subscriptions asked again. Never rejects. */
  async askAgain(ask: Ask): Promise<void> {
    await Promise.all(
      [...this.#subscriptions].map(async (subscription) => {
        try {
          await subscription.reauthorize(ask);
        } catch (error) {
          // Where there was no answer, or one that is not about rights, whoever may still follow it comes back by themselves.
          subscription.revoke(isRefusal(error) ? accessRevoked() : error);
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

  /** Nothing is watched over any more. Safe to call again. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#expiry) clearTimeout(this.#expiry);
    this.#options.onLeave();
  }

  #awaitExpiry(): void {
    if (this.#expiry) clearTimeout(this.#expiry);
    if (this.#left) return;
    const left = (): number => this.#principal.expiresAt.getTime() - this.#options.clock.now();
    // A timer may be a moment early, or have been as long as one can be: then the rest is waited for.
    const due = (): void => {
      if (left() > 0) this.#awaitExpiry();
      else if (this.#renewals === 0) this.end(new TokenError('expired'));
    };
    this.#expiry = setTimeout(due, Math.min(Math.max(left(), 1), MAX_TIMEOUT_MS)).unref();
  }
}
