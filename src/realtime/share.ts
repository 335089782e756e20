import { coded } from '../errors.js';
import type { End } from './topic.js';

/** A subscriber of a stream. No method may throw; `deliver` and `end` are synchronous. */
export interface Member<Audience, Out> {
  /** The audience for which results are made. */
  readonly audience: Audience;
  /** Delivers the next results, in order, each once. */
  deliver(results: readonly Out[]): void;
  /**
   * The same for a member that may not accept all results at once.
   * @param live false during a replay: results that are not accepted do not overflow, but wait for {@link room}
   * @returns how many it has accepted, counted from the first; the others are given again when there is room
   */
  offer?(results: readonly Out[], live: boolean): number;
  /** Ends the member: with an error, or with null when the stream is complete. */
  end(error: unknown): void;
  /** The key is no longer followed, though the subscription goes on: its queued results are dropped. */
  leave?(): void;
  /** Resolves when a result of a replay may be delivered. Replaying must not overflow the queue of its own subscriber. */
  room(): Promise<void>;
}

/** Delivers results to a member. @returns how many it has accepted */
export const give = <Out>(member: Member<unknown, Out>, results: readonly Out[], live: boolean): number => {
  if (member.offer !== undefined) return member.offer(results, live);
  member.deliver(results);
  return results.length;
};

/** The membership of a member in a group. */
export interface Membership<Audience, Out> {
  readonly member: Member<Audience, Out>;
  /** Items up to this position are not delivered; null until the replay has ended. */
  position: number | null;
  /** Leaves the group and tells the member. */
  end(error: unknown): void;
  /** Leaves the group. */
  leave(): void;
  /** The member has accepted only the items before this position, and reads the rest by itself. */
  fallBehind?(place: number): void;
  /** Reports that the group has begun, or ended, reading the log again; only for logs. */
  pass?(event: 'overflowed' | 'reread'): void;
}

/** How items become results. Members of a stream with the same `key` share results. */
export interface Sharing<Item, Audience, Out> {
  readonly key: string;
  /** The key of an audience: equal for audiences with equal results. */
  readonly audienceId: (audience: Audience) => string;
  /**
   * Renders an item for an audience, or for everyone when it is null. `personal` tells that the audience was needed: then a result for
   * everyone is discarded, and from then on each audience gets its own. Rejects when rendering fails.
   */
  readonly render: (item: Item, audience: Audience | null) => Promise<Rendered<Out>>;
  /** The user id of an audience; null for an anonymous one. */
  readonly userIdOf?: (audience: Audience) => string | null;
  /** The owner of a selection, whose number of selections of one stream is limited. Left out: selections have no owner. */
  readonly ownerOf?: (audience: Audience) => string;
  /** The cost of rendering one item, counted like that of an operation; 1 when left out. */
  readonly weight?: number;
  /** Takes the cost of rendering one item from the budget of an owner, or of a selection that several have. */
  readonly pay?: (owner: string) => void;
  /** In how many milliseconds the budget has something again; 0 when it has. */
  readonly waitMs?: (owner: string) => number;
  /** Whether an audience may see an item, asked for each member at delivery. Left out: everyone sees every item. */
  readonly visible?: ((item: Item, audience: Audience) => boolean) | undefined;
}

/** The sharing of subscribers that need to know only that something has happened. */
export const UNSEEN: Sharing<unknown, null, null> = {
  key: 'unseen',
  audienceId: () => '',
  render: () => Promise.resolve({ out: null, personal: false }),
};

export interface Rendered<Out> {
  readonly out: Out;
  readonly personal: boolean;
}

/** What the members of a group see of their stream. */
export interface View<Item> {
  readonly wanted: (item: Item) => boolean;
  /** For whom the stream ends after this item, whether or not they see it; null for nobody. */
  readonly endsFor: (item: Item) => End | null;
}

/** All items, without an end. */
export const WHOLE: View<unknown> = { wanted: () => true, endsFor: () => null };

export const accessRevoked = (): Error => coded('ACCESS_REVOKED', 'You may no longer follow this.');
