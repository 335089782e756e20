import { insist } from './patience.js';
import type { Group } from './group.js';
import type { Member, Membership } from './share.js';
import type { Attached } from './source.js';
import type { Stream } from './stream.js';
import type { Streams } from './streams.js';
import type { StateValue } from './topic.js';

export interface StateFollowingOptions<Value extends StateValue> {
  readonly streams: Streams;
  readonly open: (key: string) => {
    readonly stream: Stream<Value>;
    readonly group: Group<Value, unknown, unknown>;
    readonly member: Member<unknown, unknown>;
  };
  readonly load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  readonly onLeave: () => void;
}

/** A subscription to several streams of one state topic. */
export class StateFollowing<Value extends StateValue> implements Attached {
  readonly #options: StateFollowingOptions<Value>;
  readonly #keys = new Map<string, KeyFollowing<Value>>();
  #left = false;

  constructor(options: StateFollowingOptions<Value>) {
    this.#options = options;
  }

  /** Leaves the keys that are not among these, and begins with those that are new. */
  follow(keys: readonly string[]): void {
    if (this.#left) return;
    const wanted = new Set(keys);
    for (const [key, following] of [...this.#keys]) if (!wanted.has(key)) this.#drop(key, following);
    const fresh: KeyFollowing<Value>[] = [];
    // To begin with a key may end the whole.
    for (const key of wanted) if (!this.#isLeft() && !this.#keys.has(key)) fresh.push(this.#begin(key));
    if (fresh.length > 0 && !this.#isLeft()) this.#start(fresh).catch((error: unknown) => this.end(error));
  }

  #isLeft(): boolean {
    return this.#left;
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    for (const [key, following] of [...this.#keys]) this.#drop(key, following);
    this.#options.streams.exit();
    this.#options.onLeave();
  }

  /** For an error the whole subscription ends, each of its members being told. */
  end(error: unknown): void {
    if (this.#left) return;
    const members = [...this.#keys.values()].map(({ member }) => member);
    this.leave();
    for (const member of members) member.end(error);
  }

  #begin(key: string): KeyFollowing<Value> {
    const { stream, group, member } = this.#options.open(key);
    // From before the present value is read, so that no later one is missed; should a later one be faster, the present one is left out.
    const following: KeyFollowing<Value> = {
      key,
      stream,
      group,
      member,
      position: -1,
      leave: () => this.leave(),
      end: (error) => {
        if (error !== null) {
          this.end(error);
          return;
        }
        // Its value is gone; when it was the last one, there is nothing to follow any more.
        this.#drop(key, following);
        if (this.#keys.size > 0) return;
        this.leave();
        member.end(null);
      },
    };
    this.#keys.set(key, following);
    const refusal = this.#options.streams.join(stream, group, following);
    if (refusal !== null) this.end(refusal);
    return following;
  }

  #drop(key: string, { group, stream }: KeyFollowing<Value>): void {
    const following = this.#keys.get(key);
    if (!following) return;
    this.#keys.delete(key);
    following.member.leave?.();
    group.leave(following);
    this.#options.streams.release(stream);
  }

  async #start(fresh: readonly KeyFollowing<Value>[]): Promise<void> {
    const values = await insist(
      () => this.#options.load(fresh.map(({ key }) => key)),
      () => this.#isLeft(),
    );
    await Promise.all(
      fresh.map(async (following) => {
        const { key, stream, group, member } = following;
        const value = values.get(key);
        stream.settle(value?.version ?? 0);
        if (value === undefined) return;
        const { results, failure } = await group.render([value], member.audience);
        if (failure !== null) {
          stream.failed(value.version, failure.error);
          throw failure.error;
        }
        group.hand(following, [value], results);
      }),
    );
  }
}

interface KeyFollowing<Value extends StateValue> extends Membership<unknown, unknown> {
  readonly key: string;
  readonly stream: Stream<Value>;
  readonly group: Group<Value, unknown, unknown>;
}
