import { isUnavailable, reasonOf } from '../db/failures.js';
import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import type { Bus } from './bus.js';
import { assertReadable, decodeCursor } from './cursor.js';
import { readEvents, readHead, readMoved, toEvent, type AnyEvent, type Committed, type Standing } from './event-log.js';
import { createFairTurns, type FairTurns } from './fair-turns.js';
import { insist, mayPass } from './patience.js';
import { Queue } from './queue.js';
import { Group, WHOLE, type Member, type Membership, type Sharing, type View } from './share.js';
import { assertWithoutHole, holeInLog, logReader, otherHistory, signalReader, stateReader, Stream, type Reader } from './stream.js';
import type { End, LogEvent, LogTopic, Signal, SignalTopic, StateTopic, StateValue } from './topic.js';

/**
 * The process's readers of streams: per (topic, key) one listener on the bus and one read in flight, shared by all who
 * subscribe here. A stream is opened when its first reader begins and closed when the last one leaves.
 */
export interface Hub {
  /**
   * The events of a log after `after` (left out: from now), in seq order, each once, then each new one as it commits.
   * Only events of `kinds` are given. Once the promise is fulfilled, nothing that commits later is missed.
   * What has happened and cannot be shown is tried for ten seconds; then those who wait for it alone end with UNAVAILABLE, before it.
   * @throws BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one that cannot be served
   */
  readonly log: <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    options?: LogOptions<Events, Kind>,
  ) => Promise<Source<LogEvent<Events, Kind>>>;
  /**
   * The present value of each key at once, then each newer one. A value that is overtaken before it is taken is left out,
   * the last one never. It is over when the values of all its keys are gone.
   */
  readonly state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]) => StateSource<Value>;
  /** What is said from now on. */
  readonly signal: <Value>(topic: SignalTopic<Value>, key: string) => Source<Signal<Value>>;
  /** Says something to everyone who listens now, on whatever process. Best effort. */
  readonly say: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Says something to those alone who listen in this process. */
  readonly sayHere: <Value>(topic: SignalTopic<Value>, key: string, value: Value) => void;
  /** Calls `listener` with every signal of a topic that this process hears because somebody here follows it, for as long as there is the hub. */
  readonly overhear: <Value>(topic: SignalTopic<Value>, listener: (key: string, value: Value) => void) => void;
  /**
   * What a transaction of this process has committed to a log, in seq order, so that nobody here need read it again.
   * @param priorAt when the event before these was numbered, as far as is known
   */
  readonly committed: (topic: string, key: string, events: readonly Committed[], priorAt?: Date | null) => void;
  /**
   * Compares all local streams with their heads, in one statement, and reads those that are elsewhere. Who stands behind the head of a
   * database that went back, or in another epoch, ends with CURSOR_EXPIRED. Never rejects.
   */
  readonly reconcile: () => Promise<void>;
  readonly stats: () => { readonly streams: number; readonly groups: number; readonly subscribers: number };
  /** Ends every subscription and stops the timer. */
  readonly stop: () => void;
}

export interface LogOptions<Events extends object, Kind extends keyof Events & string> {
  readonly after?: string | null | undefined;
  /** Those that are shown: all of the topic's when left out. The same array each time, for those who share. */
  readonly kinds?: readonly Kind[] | undefined;
  /** For whom it is over after an event of any kind, instead of what the topic says. It goes with `kinds`. */
  readonly endsFor?: ((event: LogEvent<Events>) => End | null) | undefined;
}

/** What one subscription follows. Nothing is held for it before it is attached or iterated. */
export interface Source<Item> extends AsyncIterable<Item> {
  /** `log`: each item counts; `state`: the newest of each key does; `signal`: none does. */
  readonly kind: 'log' | 'state' | 'signal';
  /**
   * Begins to deliver, to one member for each key. What it returns ends it, at once and for good; so does an end that the member is
   * told of.
   */
  readonly attach: <Audience, Out>(sharing: Sharing<Item, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>) => Attached;
}

export interface Attached {
  /** Idempotent. */
  leave(): void;
  /** Leaves, and tells the members. */
  end(error: unknown): void;
}

export interface StateSource<Value extends StateValue> extends Source<Value> {
  /** Follows these keys from now on, in all that is attached: those that are new by their present value first. */
  readonly follow: (keys: readonly string[]) => void;
}

export interface HubOptions {
  readonly prisma: PrismaClient;
  readonly bus: Bus;
  readonly log: Log;
  /** How often streams are compared with their heads, in milliseconds: the delay of an event whose wake was lost. */
  readonly reconcileMs: number;
  /** The shortest time between two values of one state stream, in milliseconds. */
  readonly stateMinIntervalMs: number;
  /** Items an iterating reader may have waiting. */
  readonly queueLimit: number;
  /** Different selections of one stream that one owner may follow at a time. */
  readonly maxSelections: number;
}

/** Heavy results that are made at the same time in one process. */
const HEAVY_AT_ONCE = 2;

export const createHub = (options: HubOptions): Hub => {
  const { prisma, log, bus } = options;
  const streams = new Streams(options);
  const eavesdroppers = new Map<string, ((key: string, value: unknown) => void)[]>();
  let said = 0;

  const hearSignal = (topic: string, key: string, value: unknown): void => {
    said += 1;
    streams.get(topic, key)?.hear([{ topic, key, seq: said, value }]);
    for (const listener of eavesdroppers.get(topic) ?? []) listener(key, value);
  };

  const reconcile = async (): Promise<void> => {
    try {
      for (const { topic, key, seq } of await readMoved(prisma, streams.standing())) {
        const stream = streams.get(topic, key);
        // One that has not grown is looked at all the more: its reader finds out what has become of it.
        if (stream) stream.wake(seq > stream.position ? seq : undefined);
      }
    } catch (error) {
      if (!streams.stopped) log[isUnavailable(error) ? 'debug' : 'warn']({ reason: reasonOf(error) }, 'the heads could not be read; trying again');
    }
  };

  let reconciling = false;
  const timer = setInterval(() => {
    if (reconciling || streams.isEmpty()) return;
    reconciling = true;
    void reconcile().finally(() => (reconciling = false));
  }, options.reconcileMs);
  timer.unref();

  const stopListeningToGaps = bus.onGap((gap) => {
    if (gap === null) void reconcile();
    else streams.get(gap.topic, gap.key)?.wake();
  });

  const readers = new Map<string, Reader<never>>();
  /** One for each topic, whose name decides what its streams carry. */
  const readerOf = <Item>(topic: string, make: () => Reader<Item>): Reader<Item> => {
    let reader = readers.get(topic) as unknown as Reader<Item> | undefined;
    if (!reader) readers.set(topic, (reader = make()) as unknown as Reader<never>);
    return reader;
  };

  const views = new WeakMap<readonly string[], View<AnyEvent>>();
  const viewOf = (kinds: readonly string[], endsFor: View<AnyEvent>['endsFor']): View<AnyEvent> => {
    let view = views.get(kinds);
    if (!view) {
      const shown = new Set(kinds);
      views.set(kinds, (view = { wanted: ({ kind }) => shown.has(kind), endsFor }));
    }
    return view;
  };

  return {
    log: async <Events extends object, Kind extends keyof Events & string>(
      topic: LogTopic<Events>,
      key: string,
      { after, kinds = topic.kinds as readonly Kind[], endsFor = topic.endsFor }: LogOptions<Events, Kind> = {},
    ): Promise<Source<LogEvent<Events, Kind>>> => {
      const head = await readHead(prisma, topic.name, key);
      const standing = head?.lastSeq ?? 0;
      let start = standing;
      if (after !== null && after !== undefined) {
        const from = decodeCursor(topic.name, key, after);
        assertReadable(topic.name, key, from, head);
        start = from.seq;
      }
      const view = viewOf(kinds, endsFor as unknown as View<AnyEvent>['endsFor']);
      return sourceOf('log', options, (sharing, memberOf) => {
        const stream = streams.hold(topic.name, key, readerOf(topic.name, () => logReader(prisma, topic.name)));
        // Only wanted kinds are rendered, so this sharing's items are all it ever sees.
        const group = streams.group(stream, sharing as unknown as Sharing<AnyEvent, unknown, unknown>, kinds.join(), view);
        const following = new Following(streams, stream, group, memberOf(key), null);
        if (following.left) return following;
        const epoch = head?.epoch ?? null;
        stream.settle(standing, epoch);
        replay(prisma, following, { start, standing, epoch }).catch((error: unknown) => following.end(error));
        return following;
      });
    },

    state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]): StateSource<Value> => {
      const reader = readerOf(topic.name, () => stateReader(prisma, topic, options.stateMinIntervalMs));
      const attached = new Set<StateFollowing<Value>>();
      let followed = keys;
      const source = sourceOf<Value>('state', options, (sharing, memberOf) => {
        const following = new StateFollowing<Value>({
          open: (key) => {
            const stream = streams.hold(topic.name, key, reader);
            const group = streams.group(stream, sharing as Sharing<Value, unknown, unknown>, '', WHOLE);
            return { stream, group, member: memberOf(key) };
          },
          load: (missing) => topic.load(prisma, missing),
          streams,
          onLeave: () => attached.delete(following),
        });
        attached.add(following);
        streams.enter(following);
        following.follow(followed);
        return following;
      });
      return Object.assign(source, {
        follow: (next: readonly string[]): void => {
          followed = next;
          for (const following of [...attached]) following.follow(next);
        },
      });
    },

    signal: <Value>(topic: SignalTopic<Value>, key: string): Source<Signal<Value>> =>
      sourceOf('signal', options, (sharing, memberOf) => {
        const stream = streams.hold<Signal<unknown>>(topic.name, key, signalReader, (value) => hearSignal(topic.name, key, value));
        stream.settle(0);
        const group = streams.group(stream, sharing as unknown as Sharing<Signal<unknown>, unknown, unknown>, '', WHOLE);
        return new Following(streams, stream, group, memberOf(key), stream.position);
      }),

    say: (topic, key, value) => bus.wake({ topic: topic.name, key, seq: 0, value }),
    sayHere: (topic, key, value) => hearSignal(topic.name, key, value),
    overhear: (topic, listener) => {
      eavesdroppers.set(topic.name, [...(eavesdroppers.get(topic.name) ?? []), listener as (key: string, value: unknown) => void]);
    },

    committed: (topic, key, events, priorAt) => {
      const stream = streams.get(topic, key);
      if (stream) (stream as Stream<AnyEvent>).hear(events.map((event) => toEvent(topic, key, event)), priorAt);
    },

    reconcile,
    stats: () => streams.stats(),
    stop: () => {
      clearInterval(timer);
      stopListeningToGaps();
      streams.stop();
    },
  };
};

/** The streams that are open here, and those who follow them. */
class Streams {
  stopped = false;
  readonly #options: HubOptions;
  readonly #streams = new Map<string, { readonly stream: Stream<unknown>; readonly unlisten: () => void }>();
  readonly #personalKeys = new Set<string>();
  readonly #heavy: FairTurns = createFairTurns(HEAVY_AT_ONCE);
  #subscribers = 0;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get(topic: string, key: string): Stream<unknown> | undefined {
    return this.#streams.get(idOf(topic, key))?.stream;
  }

  /** Opens the stream, or shares the one that is open; until {@link release}. `onSignal` is given the values of signals. */
  hold<Item>(topic: string, key: string, reader: Reader<Item>, onSignal?: (value: unknown) => void): Stream<Item> {
    const id = idOf(topic, key);
    let entry = this.#streams.get(id);
    if (!entry) {
      const stream = new Stream<unknown>(topic, key, reader as unknown as Reader<unknown>, this.#options.log);
      const unlisten = this.#options.bus.listen(topic, key, onSignal ? (_seq, value) => onSignal(value) : (seq) => stream.wake(seq));
      this.#streams.set(id, (entry = { stream, unlisten }));
    }
    entry.stream.holders += 1;
    return entry.stream as unknown as Stream<Item>;
  }

  release({ topic, key }: Pick<Stream<never>, 'topic' | 'key'>): void {
    const id = idOf(topic, key);
    const entry = this.#streams.get(id);
    if (!entry) return;
    entry.stream.holders -= 1;
    if (entry.stream.holders > 0) return;
    this.#streams.delete(id);
    entry.unlisten();
    entry.stream.close();
  }

  /** The group of a stream that shares this selection. It lives as long as it has members. */
  group<Item>(stream: Stream<Item>, sharing: Sharing<Item, unknown, unknown>, shows: string, view: View<Item>): Group<Item, unknown, unknown> {
    const id = `${shows}\0${sharing.key}`;
    let group = stream.groups.get(id);
    if (!group) {
      const onEmpty = (empty: Group<Item, unknown, unknown>): void => {
        if (stream.groups.get(id) === empty) stream.groups.delete(id);
      };
      stream.groups.set(id, (group = new Group({ stream, sharing, view, personalKeys: this.#personalKeys, heavy: this.#heavy, onEmpty })));
    }
    return group;
  }

  /**
   * Has a member join a group of a stream.
   * @returns the error that it ends with at once, when its owner follows as many other selections of the stream as one may
   */
  join<Item>(stream: Stream<Item>, group: Group<Item, unknown, unknown>, membership: Membership<unknown, unknown>): Error | null {
    const owner = group.ownerOf(membership);
    group.join(membership);
    const { maxSelections } = this.#options;
    // Of fewer nobody can have too many; so what is common costs nothing.
    if (owner === null || stream.groups.size <= maxSelections) return null;
    let selections = 0;
    for (const each of stream.groups.values()) if (each.isOf(owner)) selections += 1;
    return selections <= maxSelections
      ? null
      : coded('RATE_LIMITED', `One may follow ${maxSelections} different selections of one stream at a time.`, { limit: maxSelections });
  }

  /** Counts a subscription in; after a stop it is over at once. */
  enter(attached: Attached): void {
    this.#subscribers += 1;
    if (this.stopped) attached.leave();
  }

  exit(): void {
    this.#subscribers -= 1;
  }

  isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  /** Where the streams stand that are kept in the database. */
  standing(): (Standing & { readonly topic: string; readonly key: string })[] {
    const standing = [];
    for (const { stream } of this.#streams.values()) {
      const { topic, key, reader } = stream;
      if (stream.position >= 0 && reader.kind !== 'signal') standing.push({ topic, key, ...stream.standing });
    }
    return standing;
  }

  stats(): { readonly streams: number; readonly groups: number; readonly subscribers: number } {
    let groups = 0;
    for (const { stream } of this.#streams.values()) groups += stream.groups.size;
    return { streams: this.#streams.size, groups, subscribers: this.#subscribers };
  }

  stop(): void {
    this.stopped = true;
    for (const { stream } of [...this.#streams.values()]) {
      for (const group of [...stream.groups.values()]) for (const membership of [...group.members]) membership.leave();
    }
  }
}

const idOf = (topic: string, key: string): string => `${topic}\0${key}`;

/** A subscription to one stream, which is also its place in its group. */
class Following<Item> implements Membership<unknown, unknown>, Attached {
  readonly stream: Stream<Item>;
  readonly group: Group<Item, unknown, unknown>;
  readonly member: Member<unknown, unknown>;
  position: number | null;
  left = false;
  readonly #streams: Streams;

  constructor(streams: Streams, stream: Stream<Item>, group: Group<Item, unknown, unknown>, member: Member<unknown, unknown>, position: number | null) {
    this.#streams = streams;
    this.stream = stream;
    this.group = group;
    this.member = member;
    this.position = position;
    const refusal = streams.join(stream, group, this);
    streams.enter(this);
    if (refusal !== null) this.end(refusal);
  }

  end(error: unknown): void {
    if (this.left) return;
    this.leave();
    this.member.end(error);
  }

  leave(): void {
    if (this.left) return;
    this.left = true;
    this.group.leave(this);
    this.#streams.release(this.stream);
    this.#streams.exit();
  }
}

/**
 * Replays what a subscriber has missed by itself, and joins the others once it stands where they stand: nothing is awaited between look
 * and step.
 */
const replay = async (prisma: PrismaClient, following: Following<AnyEvent>, { start, standing, epoch }: ReplayOptions): Promise<void> => {
  const { stream, group, member } = following;
  const { wanted, endsFor } = group.view;
  const isLeft = (): boolean => following.left;
  let position = start;
  while (!isLeft() && position < stream.position) {
    const events = await readMissed(prisma, following, position);
    if (events.length === 0) throw holeInLog();
    assertWithoutHole(events, position);
    // The database went back while this was read, or is another one.
    if (epoch !== null && events.some((event) => event.epoch !== epoch)) throw otherHistory();
    const end = events.findIndex((event) => (event.seq > standing || endsFor(event) === 'everyone') && group.isEndedBy(event, member.audience));
    const kept = end < 0 ? events : events.slice(0, end + 1);
    for (let first = 0; first < kept.length && !isLeft(); first += group.chunk) {
      const chunk = kept.slice(first, first + group.chunk);
      const shown = chunk.filter((event) => wanted(event) && group.isVisible(event, member.audience));
      const { results, failure } = await group.render(shown, member.audience);
      // One by one, for as long as there is room: however long the results are, who reads them does not fall behind.
      for (const result of results) {
        await member.room();
        if (isLeft()) return;
        member.deliver([result]);
      }
      if (failure !== null) {
        if (isLeft()) return;
        stream.failed(shown[results.length]?.seq ?? position, failure.error);
        throw failure.error;
      }
      position = chunk.at(-1)?.seq ?? position;
    }
    const last = events[end];
    if (last !== undefined) {
      following.end(group.endError(last));
      return;
    }
  }
  if (!isLeft()) following.position = position;
};

interface ReplayOptions {
  /** The seq after which it begins. */
  readonly start: number;
  /** The seq up to which the subscriber's rights have been asked for: somebody who had left by then has come back. */
  readonly standing: number;
  readonly epoch: number | null;
}

const readMissed = async (prisma: PrismaClient, following: Following<AnyEvent>, position: number): Promise<AnyEvent[]> => {
  const { stream } = following;
  try {
    return await insist(
      () => readEvents(prisma, stream.topic, stream.key, position),
      () => following.left,
    );
  } catch (error) {
    if (mayPass(error) && !following.left) stream.failed(position + 1, error);
    throw error;
  }
};

interface StateFollowingOptions<Value extends StateValue> {
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
class StateFollowing<Value extends StateValue> implements Attached {
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
    for (const key of wanted) if (!this.#left && !this.#keys.has(key)) fresh.push(this.#begin(key));
    if (fresh.length > 0 && !this.#left) this.#start(fresh).catch((error: unknown) => this.end(error));
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
      () => this.#left,
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

type Attach<Item> = Source<Item>['attach'];

const sourceOf = <Item>(kind: Source<Item>['kind'], { queueLimit }: HubOptions, attach: Attach<Item>): Source<Item> => ({
  kind,
  attach,
  [Symbol.asyncIterator]: () => iterate(kind, attach, queueLimit),
});

/** Reads a source without sharing: for readers inside the process. */
const iterate = <Item>(
  kind: Source<Item>['kind'],
  attach: Attach<Item>,
  limit: number,
): AsyncIterableIterator<Item> => {
  const { results, memberOf } = createQueueing<null, Item>(kind, null, limit);
  unshared += 1;
  const sharing: Sharing<Item, null, Item> = {
    key: `unshared:${unshared}`,
    audienceId: () => '',
    render: async (item) => await Promise.resolve({ out: item, personal: false }),
  };
  return readUntilLeft(results, () => attach(sharing, memberOf));
};
let unshared = 0;

/**
 * An iterator over what members put into `results`, which attaches at the first `next()` and leaves at once when its reader does, whatever is
 * pending, and when there is nothing more to read.
 */
export const readUntilLeft = <Out>(results: Queue<Out>, attach: () => Attached): AsyncIterableIterator<Out> => {
  let attached: Attached | null = null;
  const iterator: AsyncIterableIterator<Out> = {
    next: async () => {
      attached ??= attach();
      let over = true;
      try {
        const result = await results.next();
        over = result.done === true;
        return result;
      } finally {
        if (over) attached.leave();
      }
    },
    return: async () => {
      attached?.leave();
      attached = { leave: () => undefined, end: () => undefined };
      return await results.return();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};

/**
 * Members that put what they are given into a queue: of a log everything, until it is more than `limit` and they end with
 * SLOW_CONSUMER; of a state only the newest of each key that has not been taken; of signals what there is room for.
 */
export const createQueueing = <Audience, Out>(
  kind: Source<unknown>['kind'],
  audience: Audience,
  limit: number,
): { readonly results: Queue<Out>; readonly memberOf: (key: string) => Member<Audience, Out> } => {
  const results = new Queue<Out>();
  const end = (error: unknown): void => results.end(error);
  const room = (): Promise<void> => results.below(limit / 2);
  const memberOf = (): Member<Audience, Out> => {
    if (kind === 'state') {
      let newest: { value: Out } | null = null;
      const take = (): Out => {
        const { value } = newest ?? ({} as never);
        newest = null;
        return value;
      };
      return {
        audience,
        end,
        room,
        deliver: (given) => {
          const value = given.at(-1) as Out;
          if (newest === null) {
            newest = { value };
            results.pushLater(take);
          } else newest.value = value;
        },
      };
    }
    return {
      audience,
      end,
      room,
      deliver: (given) => {
        for (const value of given) {
          if (results.size < limit) results.push(value);
          else if (kind === 'log') return results.end(slowConsumer());
        }
      },
    };
  };
  return { results, memberOf };
};

export const slowConsumer = (): Error =>
  coded('SLOW_CONSUMER', 'This subscription fell too far behind. Subscribe again after the last cursor you have seen.');
