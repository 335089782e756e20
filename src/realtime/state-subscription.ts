import { insist } from './patience.js';
import type { Group } from './group.js';
import type { Member, Membership } from './share.js';
import type { Attached } from './source.js';
import type { Stream } from './stream.js';
import type { Streams } from './streams.js';
import { endBy, Life, type LifeEvent } from './subscription-life.js';
import type { StateValue } from './topic.js';

export interface StateFollowingOptions<Value extends StateValue> {
  readonly streams: Streams;
  readonly open: (key: string) => Opened<Value>;
  readonly load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  readonly onLeave: () => void;
}

/** A subscription to several streams of a state topic. */
export class StateFollowing<Value extends StateValue> implements Attached {
  readonly #options: StateFollowingOptions<Value>;
  readonly #keys = new Map<string, KeyFollowing<Value>>();
  /** The keys whose value was not accepted for lack of room: it is read again later. */
  readonly #behind = new Set<KeyFollowing<Value>>();
  #left = false;

  constructor(options: StateFollowingOptions<Value>) {
    this.#options = options;
  }

  /** Stops following the keys that are not among these, and begins with the new ones. */
  follow(keys: readonly string[]): void {
    if (this.#left) return;
    const wanted = new Set(keys);
    for (const [key, following] of [...this.#keys]) if (!wanted.has(key)) this.#drop(following, 'left');
    const fresh: KeyFollowing<Value>[] = [];
    // Beginning with a key may end the whole subscription.
    for (const key of wanted) if (!this.#isLeft() && !this.#keys.has(key)) fresh.push(this.#begin(key));
    if (fresh.length > 0 && !this.#isLeft()) this.#start(fresh).catch((error: unknown) => this.end(error));
  }

  #isLeft(): boolean {
    return this.#left;
  }

  leave(): void {
    this.#leave('left');
  }

  /** Ends the whole subscription with an error, which each member gets. */
  end(error: unknown): void {
    if (this.#left) return;
    const members = [...this.#keys.values()].map(({ member }) => member);
    this.#leave(endBy(error));
    for (const member of members) member.end(error);
  }

  #leave(event: LifeEvent): void {
    if (this.#left) return;
    this.#left = true;
    for (const following of [...this.#keys.values()]) this.#drop(following, event);
    this.#options.streams.exit();
    this.#options.onLeave();
  }

  #begin(key: string): KeyFollowing<Value> {
    const following = new KeyFollowing<Value>(key, this.#options.open(key), {
      fallBehind: () => {
        this.#behind.add(following);
        if (this.#behind.size === 1) void this.#goOn(following.member);
      },
      leave: () => this.leave(),
      end: (error) => {
        if (error !== null) {
          this.end(error);
          return;
        }
        // The row is gone; after the last key the subscription is complete.
        this.#drop(following, 'completed');
        if (this.#keys.size > 0) return;
        this.leave();
        following.member.end(null);
      },
    });
    this.#keys.set(key, following);
    const refusal = this.#options.streams.join(following.stream, following.group, following);
    if (refusal !== null) this.end(refusal);
    if (!following.left) following.pass('attached');
    return following;
  }

  #drop(following: KeyFollowing<Value>, event: LifeEvent): void {
    if (!following.pass(event)) return;
    const { key, group, stream, member } = following;
    this.#keys.delete(key);
    member.leave?.();
    group.leave(following);
    this.#options.streams.release(stream);
  }

  async #goOn(member: Member<unknown, unknown>): Promise<void> {
    await member.room();
    const behind = [...this.#behind].filter((following) => this.#keys.get(following.key) === following);
    this.#behind.clear();
    if (behind.length > 0 && !this.#left) this.#start(behind).catch((error: unknown) => this.end(error));
  }

  async #start(fresh: readonly KeyFollowing<Value>[]): Promise<void> {
    const values = await insist(
      () => this.#options.load(fresh.map(({ key }) => key)),
      () => this.#isLeft(),
    );
    await Promise.all(fresh.map((following) => this.#show(following, values.get(following.key))));
  }

  /** Delivers the present value of a key, or nothing when its row is gone. */
  async #show(following: KeyFollowing<Value>, value: Value | undefined): Promise<void> {
    const { stream, group, member } = following;
    // The value of a dropped key no longer concerns the other keys.
    const isDropped = (): boolean => following.left;
    if (isDropped()) return;
    const version = value?.version ?? 0;
    stream.settle(version);
    const present = value === undefined ? [] : [value];
    const { results, failure } = await group.render(present, member.audience);
    if (isDropped()) return;
    if (failure !== null) {
      stream.failed(version, failure.error);
      throw failure.error;
    }
    // The key may have fallen behind meanwhile because the connection had no room.
    if (following.state === 'replaying') following.pass('caughtUp');
    group.hand(following, present, results);
  }
}

interface Opened<Value extends StateValue> {
  readonly stream: Stream<Value>;
  readonly group: Group<Value, unknown, unknown>;
  readonly member: Member<unknown, unknown>;
}

/** The part of the subscription that its keys use. */
interface Whole extends Attached {
  /** Reports that the value of a key was not accepted and must be read again when there is room. */
  fallBehind(): void;
}

/**
 * A key of a state subscription, with a state of its own. It joins its group before its present value is read, so that no later value is
 * missed. When a later value arrives first, the present one is skipped.
 */
class KeyFollowing<Value extends StateValue> extends Life implements Membership<unknown, unknown>, Opened<Value> {
  readonly key: string;
  readonly stream: Stream<Value>;
  readonly group: Group<Value, unknown, unknown>;
  readonly member: Member<unknown, unknown>;
  readonly #whole: Whole;
  position: number | null = -1;

  constructor(key: string, { stream, group, member }: Opened<Value>, whole: Whole) {
    super();
    this.key = key;
    this.stream = stream;
    this.group = group;
    this.member = member;
    this.#whole = whole;
  }

  fallBehind(place: number): void {
    if (this.state === 'live') this.pass('fellBehind');
    this.position = place - 1;
    this.#whole.fallBehind();
  }

  leave(): void {
    this.#whole.leave();
  }

  end(error: unknown): void {
    this.#whole.end(error);
  }
}
