import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.js';
import type { ConnectedClient, Context, Principal, Via } from '../../context.js';
import { TokenError } from '../../domains/account/tokens.js';
import { isRefusal } from '../../errors.js';
import { accessRevoked } from '../../realtime/share.js';
import type { Ask } from '../../graphql/topic-field.js';

/** What carries a watched client. */
export interface Carrier {
  readonly transport: 'SOCKET' | 'EVENT_STREAM';
  readonly client: Context['client'];
  readonly sendQueue: { readonly stats: () => { readonly frames: number; readonly bytes: number } };
  /** In milliseconds since 1970. */
  readonly since: number;
}

/** A subscription that the access watch can end. */
export interface Revocable {
  /** Checks the field's rules again as for a new subscriber; rejects when they refuse. */
  readonly reauthorize: (ask: Ask) => Promise<unknown>;
  /** Ends the subscription with an error and drops its queued results. */
  revoke(error: unknown): void;
}

export interface AccessWatchOptions {
  readonly clock: Clock;
  readonly principal: Principal;
  /** The number of changes of the user's rights that this process has heard of. */
  readonly generation: () => number;
  /** Starts a check of all the user's watches and subscriptions. */
  readonly changed: () => void;
  /** Starts the same check if the principal was looked up before the latest change of rights. */
  readonly catchUp: (principal: Principal) => void;
  /** Called once when the watch has ended. */
  readonly onLeave: () => void;
  /** Called once when the client's access ends: with a TokenError, or with the error that made it impossible to find out. */
  readonly onEnd: (error: unknown) => void;
}

/** The longest delay of a timer; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Watches over the rights of one client: a WebSocket, or a single stream of server-sent events. Its principal is kept up to date. The watch
 * ends when the credential expires or its session is revoked; a single subscription ends when its rules refuse it.
 */
export class AccessWatch {
  readonly #options: AccessWatchOptions;
  readonly #subscriptions = new Set<Revocable>();
  #principal: Principal;
  #expiry: NodeJS.Timeout | null = null;
  #renewals = 0;
  #carrier: Carrier | null = null;
  /** Made when it is first asked for. */
  #key: string | null = null;
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

  /** The generation of the rights; read it before checking a subscription's rules and pass it to {@link watch}. */
  get generation(): number {
    return this.#options.generation();
  }

  /**
   * Watches a subscription until {@link unwatch}: it ends with ACCESS_REVOKED when a later check of its rules refuses it.
   * @param seen the generation before its rules were checked; when it has changed since, they are checked again at once
   */
  watch(subscription: Revocable, seen: number): void {
    this.#subscriptions.add(subscription);
    if (this.#ended) subscription.revoke(this.#ended.error);
    else if (this.generation !== seen) this.#options.changed();
  }

  unwatch(subscription: Revocable): void {
    this.#subscriptions.delete(subscription);
  }

  /** Tells what carries the client, once that is open. */
  carry(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** The client's connection as it is now; null while it is being opened. */
  connection(): ConnectedClient | null {
    if (this.#carrier === null) return null;
    const { transport, client, sendQueue, since } = this.#carrier;
    const { frames, bytes } = sendQueue.stats();
    const { via } = this.#principal;
    return {
      key: (this.#key ??= randomUUID()),
      transport,
      sessionId: via.kind === 'session' ? via.sessionId : null,
      ip: client.ip,
      userAgent: client.userAgent,
      since,
      subscriptions: this.#subscriptions.size,
      queuedResults: frames,
      queuedBytes: bytes,
    };
  }

  /**
   * Replaces the principal by that of a fresh credential of the same user. The old one remains until the fresh one has been looked up.
   * Example: A's token expires during the look-up of its successor; the watch does not end.
   * @throws TokenError for a credential of another user, or one that is good for something else; the error of a failed look-up
   */
  async renew(fresh: Promise<Principal>): Promise<void> {
    this.#renewals += 1;
    try {
      const principal = await fresh;
      if (principal.viewer.id !== this.#principal.viewer.id || !isOfOneKind(principal.via, this.#principal.via))
        throw new TokenError('invalid');
      this.#principal = principal;
    } finally {
      this.#renewals -= 1;
      this.#awaitExpiry();
    }
    this.#options.catchUp(this.#principal);
  }

  /**
   * Updates the principal after a look-up of `before`; null means that its session is over, and ends the watch. The result is ignored when
   * `before` has been replaced by {@link renew}, or is about to be.
   */
  update(before: Principal, now: Principal | null): void {
    if (this.#principal !== before) return;
    if (now !== null) this.#principal = now;
    else if (this.#renewals === 0) this.end(new TokenError('invalid'));
  }

  /** Checks the rules of all subscriptions again. Never rejects. */
  async askAgain(ask: Ask): Promise<void> {
    await Promise.all(
      [...this.#subscriptions].map(async (subscription) => {
        try {
          await subscription.reauthorize(ask);
        } catch (error) {
          // Only a refusal withdraws the rights. After any other failure, such as UNAVAILABLE, the client may subscribe again and is then
          // checked anew.
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

  /** Ends the watch without an error. It may be called again. */
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
    // A timer may fire slightly early, or its delay may have been cut to the longest possible: then it is set again.
    const due = (): void => {
      if (left() > 0) this.#awaitExpiry();
      // Nobody can bring a fresh one in the place of a key.
      else if (this.#renewals === 0) this.end(new TokenError(this.#principal.via.kind === 'apiKey' ? 'invalid' : 'expired'));
    };
    this.#expiry = setTimeout(due, Math.min(Math.max(left(), 1), MAX_TIMEOUT_MS)).unref();
  }
}

/** Whether two credentials of one user are good for the same: all sessions are. */
const isOfOneKind = (one: Via, other: Via): boolean =>
  one.kind === 'apiKey' ? other.kind === 'apiKey' && one.apiKeyId === other.apiKeyId : other.kind === one.kind;
