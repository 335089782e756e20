import { coded } from '../errors.js';
import type { End } from './topic.js';

/** One who is told of what happens in a stream. Nothing here may throw; `deliver` and `end` are synchronous. */
export interface Member<Audience, Out> {
  /** Who it is: what may be shown to one audience may differ from what may be shown to another. */
  readonly audience: Audience;
  /** The next results, in order, each once. */
  deliver(results: readonly Out[]): void;
  /**
   * The same, for one who cannot take any number at once.
   * @param live false: what is not taken is not too much, but waits for {@link room}
   * @returns how many it has taken, from the first on; it is given the others again when it has room
   */
  offer?(results: readonly Out[], live: boolean): number;
  /** Nothing follows: for the error that keeps the stream from going on, or, with null, because it is over. */
  end(error: unknown): void;
  /** It is followed no longer, though its subscription goes on: what waits for it is nobody's any more. */
  leave?(): void;
  /** Resolves when a result of a replay may be delivered: the history of a stream must not overflow who asks for it. */
  room(): Promise<void>;
}

/** @returns how many of them the member has taken */
export const give = <Out>(member: Member<unknown, Out>, results: readonly Out[], live: boolean): number => {
  if (member.offer !== undefined) return member.offer(results, live);
  member.deliver(results);
  return results.length;
};

/** A member's place in a group. */
export interface Membership<Audience, Out> {
  readonly member: Member<Audience, Out>;
  /** What lies at or before it is not delivered; null until everything before has been. */
  position: number | null;
  /** Leaves the group and tells the member. */
  end(error: unknown): void;
  /** Leaves the group. */
  leave(): void;
  /** It has been given what stands before this place alone, and gives its member the rest by itself. */
  fallBehind?(place: number): void;
  /** Its group reads the log again for it, or has done so; only logs are told. */
  pass?(event: 'overflowed' | 'reread'): void;
}

/** How what happens becomes what is delivered. Members that give the same `key` for a stream share the results. */
export interface Sharing<Item, Audience, Out> {
  readonly key: string;
  /** Equal for audiences that may be shown the same. */
  readonly audienceId: (audience: Audience) => string;
  /**
   * Makes the result for an audience, or for everyone when it is null. `personal` says that it needed to know the audience: then the result
   * for everyone is thrown away, and each audience gets its own from then on. Rejects when there is no result to be had at the moment.
   */
  readonly render: (item: Item, audience: Audience | null) => Promise<Rendered<Out>>;
  /** Who the audience is; null for nobody in particular. */
  readonly userIdOf?: (audience: Audience) => string | null;
  /** Whose the selection is, where somebody may have so many of one stream; nobody's when it is left out. */
  readonly ownerOf?: (audience: Audience) => string;
  /** What the result of one item costs, in fields as they are counted for an operation; 1 when it is left out. */
  readonly weight?: number;
  /** Whether a member is shown an item at all; asked for each at delivery. Everyone is shown everything when it is left out. */
  readonly visible?: ((item: Item, audience: Audience) => boolean) | undefined;
}

/** For those to whom it is enough that something has happened. */
export const UNSEEN: Sharing<unknown, null, null> = {
  key: 'unseen',
  audienceId: () => '',
  render: () => Promise.resolve({ out: null, personal: false }),
};

export interface Rendered<Out> {
  readonly out: Out;
  readonly personal: boolean;
}

/** What a group's members see of their stream. */
export interface View<Item> {
  readonly wanted: (item: Item) => boolean;
  /** For whom it is over after this item, whether or not that is shown; null for nobody. */
  readonly endsFor: (item: Item) => End | null;
}

/** Everything, for ever. */
export const WHOLE: View<unknown> = { wanted: () => true, endsFor: () => null };

export const accessRevoked = (): Error => coded('ACCESS_REVOKED', 'You may no longer follow this.');
