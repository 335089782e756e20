import type { PrismaClient } from '../db/generated/prisma/client.js';
import { coded } from '../errors.js';
import type { Log } from '../log.js';
import type { Bus } from './bus.js';
import { assertReadable, decodeCursor } from './cursor.js';
import { readEvents, readGrown, readHead, type AnyEvent } from './event-log.js';
import { Queue } from './queue.js';
import { createGroup, type Group, type Member, type Sharing } from './share.js';
import { assertWithoutHole, createStream, holeInLog, logReader, stateReader, type Reader, type Stream } from './stream.js';
import type { LogEvent, LogTopic, StateTopic, StateValue } from './topic.js';

/**
 * The process's readers of streams: per (topic, key) one listener on the bus and one read in flight, shared by all who
 * subscribe here. A stream is opened when its first reader begins and closed when the last one leaves.
 */
export interface Hub {
  /**
   * The events of a log after `after` (left out: from now), in seq order, each once, then each new one as it commits.
   * Only events of `kinds` are given. Once the promise is fulfilled, nothing that commits later is missed.
   * @throws BAD_USER_INPUT for a cursor of another stream, CURSOR_EXPIRED for one that cannot be served
   */
  readonly log: <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    options: { readonly after?: string | null | undefined; readonly kinds: readonly Kind[] },
  ) => Promise<Source<LogEvent<Events, Kind>>>;
  /**
   * The present value of each key at once, then each newer one. A value that is overtaken before it is taken is left out,
   * the last one never.
   */
  readonly state: <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]) => Source<Value>;
  /** Asks for the heads of all local streams in one statement and reads what has grown. Never rejects. */
  readonly reconcile: () => Promise<void>;
  readonly stats: () => { readonly streams: number; readonly groups: number; readonly subscribers: number };
  /** Ends every subscription and stops the timer. */
  readonly stop: () => void;
}

/** What one subscription follows. Nothing is held for it before it is attached or iterated. */
export interface Source<Item> extends AsyncIterable<Item> {
  /** `log`: each item counts; `state`: the newest of each key does. */
  readonly kind: 'log' | 'state';
  /**
   * Begins to deliver, to one member for each key. The returned function ends it, at once and for good; so does an error, which the
   * member is told.
   */
  readonly attach: <Audience, Out>(sharing: Sharing<Item, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>) => () => void;
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
}

interface Held<Item> {
  readonly stream: Stream<Item>;
  /** Idempotent. */
  readonly release: () => void;
}

type AnyGroup = Group<unknown, unknown, unknown>;

export const createHub = (options: HubOptions): Hub => {
  const { prisma, bus, log } = options;
  const streams = new Map<string, { readonly stream: Stream<unknown>; readonly unlisten: () => void; holders: number }>();
  const groups = new Map<string, AnyGroup>();
  const personalKeys = new Set<string>();
  const subscriptions = new Set<() => void>();
  let stopped = false;

  const idOf = (topic: string, key: string): string => `${topic}\0${key}`;

  /** Opens the stream, or shares the one that is open. */
  const hold = <Item>(topic: string, key: string, reader: Reader<Item>): Held<Item> => {
    const id = idOf(topic, key);
    let entry = streams.get(id);
    if (!entry) {
      const stream = createStream(topic, key, reader, log);
      entry = { stream: stream as Stream<unknown>, unlisten: bus.listen(topic, key, stream.wake), holders: 0 };
      streams.set(id, entry);
    }
    const held = entry;
    held.holders += 1;
    let released = false;
    return {
      // A topic's name decides what its streams carry.
      stream: held.stream,
      release: () => {
        if (released) return;
        released = true;
        held.holders -= 1;
        if (held.holders > 0) return;
        streams.delete(id);
        held.unlisten();
        held.stream.close();
      },
    };
  };

  /** The group of a stream that shares this selection. It lives as long as it has members; `leave` ends one's membership. */
  const groupOf = <Item, Audience, Out>(
    stream: Stream<Item>,
    sharing: Sharing<Item, Audience, Out>,
    shows: string,
    wanted: (item: Item) => boolean,
  ): { readonly group: Group<Item, Audience, Out>; readonly leave: (member: Member<Audience, Out>) => void } => {
    const id = `${idOf(stream.topic, stream.key)}\0${shows}\0${sharing.key}`;
    let group = groups.get(id) as Group<Item, Audience, Out> | undefined;
    if (!group) {
      group = createGroup(stream, sharing, wanted, personalKeys);
      groups.set(id, group as AnyGroup);
    }
    const mine = group;
    return {
      group: mine,
      leave: (member) => {
        mine.leave(member);
        if (mine.size() === 0 && groups.get(id) === mine) groups.delete(id);
      },
    };
  };

  /** Registers a subscription, so that a stop ends it. The returned function runs `leave`, once. */
  const register = (leave: () => void): (() => void) => {
    const finish = (): void => {
      if (subscriptions.delete(finish)) leave();
    };
    subscriptions.add(finish);
    if (stopped) finish();
    return finish;
  };

  const reconcile = async (): Promise<void> => {
    const known = [...streams.values()].map(({ stream }) => stream).filter(({ position }) => position >= 0);
    try {
      const grown = await readGrown(prisma, known.map(({ topic, key, position }) => ({ topic, key, seq: position })));
      for (const { topic, key, seq } of grown) streams.get(idOf(topic, key))?.stream.wake(seq);
    } catch (error) {
      if (!stopped) log.warn({ err: String(error) }, 'the heads could not be read; trying again');
    }
  };

  let reconciling = false;
  const timer = setInterval(() => {
    if (reconciling || streams.size === 0) return;
    reconciling = true;
    void reconcile().finally(() => (reconciling = false));
  }, options.reconcileMs);
  timer.unref();

  const stopListeningToGaps = bus.onGap((gap) => {
    if (gap === null) void reconcile();
    else streams.get(idOf(gap.topic, gap.key))?.stream.wake();
  });

  const logSource = async <Events extends object, Kind extends keyof Events & string>(
    topic: LogTopic<Events>,
    key: string,
    { after, kinds }: { readonly after?: string | null | undefined; readonly kinds: readonly Kind[] },
  ): Promise<Source<LogEvent<Events, Kind>>> => {
    type Item = LogEvent<Events, Kind>;
    const head = await readHead(prisma, topic.name, key);
    const standing = head?.lastSeq ?? 0;
    let start = standing;
    if (after !== null && after !== undefined) {
      const from = decodeCursor(topic.name, key, after);
      assertReadable(topic.name, key, from, head);
      start = from.seq;
    }
    const shown = new Set<string>(kinds);
    const wanted = ({ kind }: AnyEvent): boolean => shown.has(kind);

    const attach = <Audience, Out>(sharing: Sharing<Item, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>): (() => void) => {
      const { stream, release } = hold(topic.name, key, logReader(prisma, topic.name, key));
      // Only wanted kinds are rendered, so this sharing's items are all it ever sees.
      const { group, leave } = groupOf(stream, sharing as unknown as Sharing<AnyEvent, Audience, Out>, kinds.join(), wanted);
      const member = ending(memberOf(key), () => finish());
      let left = false;
      const isLeft = (): boolean => left;
      const finish = register(() => {
        left = true;
        leave(member);
        release();
      });
      /** Replays by itself, and joins the others once it stands where they stand: nothing is awaited between look and step. */
      const replay = async (): Promise<void> => {
        let position = start;
        while (!isLeft() && position < stream.position) {
          const events = await readEvents(prisma, topic.name, key, position);
          if (events.length === 0) throw holeInLog();
          assertWithoutHole(events, position);
          for (let first = 0; first < events.length && !isLeft(); first += REPLAY_CHUNK) {
            const chunk = events.slice(first, first + REPLAY_CHUNK);
            const results = await group.render(chunk.filter(wanted), member.audience);
            // One by one, for as long as there is room: however long the results are, who reads them does not fall behind.
            for (const result of results) {
              await member.room();
              if (isLeft()) return;
              member.deliver([result]);
            }
            position = chunk.at(-1)?.seq ?? position;
          }
        }
        if (!isLeft()) group.join(member, position);
      };
      stream.settle(standing);
      replay().catch((error: unknown) => member.end(error));
      return finish;
    };
    return { kind: 'log', attach, [Symbol.asyncIterator]: () => iterate('log', attach, options.queueLimit) };
  };

  const stateSource = <Value extends StateValue>(topic: StateTopic<Value>, keys: readonly string[]): Source<Value> => {
    const attach = <Audience, Out>(sharing: Sharing<Value, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>): (() => void) => {
      let left = false;
      const followed = [...new Set(keys)].map((key) => {
        const { stream, release } = hold(topic.name, key, stateReader(prisma, topic, key, options.stateMinIntervalMs));
        const { group, leave } = groupOf(stream, sharing, '', () => true);
        const member = ending(memberOf(key), () => finish());
        // Before the present value is read, so that no later one is missed; should a later one be faster, the present one is left out.
        group.join(member, -1);
        const leaveGroup = (): void => {
          leave(member);
          release();
        };
        return { key, stream, group, member, leave: leaveGroup };
      });
      const finish = register(() => {
        left = true;
        for (const { leave } of followed) leave();
      });
      const start = async (): Promise<void> => {
        const values = await topic.load(prisma, followed.map(({ key }) => key));
        await Promise.all(
          followed.map(async ({ key, stream, group, member }) => {
            const value = values.get(key);
            stream.settle(value?.version ?? 0);
            if (value === undefined) return;
            const results = await group.render([value], member.audience);
            if (!left) group.hand(member, [value], results);
          }),
        );
      };
      start().catch((error: unknown) => {
        for (const { member } of followed) member.end(error);
      });
      return finish;
    };
    return { kind: 'state', attach, [Symbol.asyncIterator]: () => iterate('state', attach, options.queueLimit) };
  };

  return {
    log: logSource,
    state: stateSource,
    reconcile,
    stats: () => ({ streams: streams.size, groups: groups.size, subscribers: subscriptions.size }),
    stop: () => {
      stopped = true;
      clearInterval(timer);
      stopListeningToGaps();
      for (const finish of [...subscriptions]) finish();
    },
  };
};

/** Events of a replay that are made into results at once. */
const REPLAY_CHUNK = 100;

/** A member whose subscription is over when it is told of its end. */
const ending = <Audience, Out>(member: Member<Audience, Out>, finish: () => void): Member<Audience, Out> => {
  let ended = false;
  return {
    ...member,
    end: (error) => {
      if (ended) return;
      ended = true;
      finish();
      member.end(error);
    },
  };
};

/** Reads a source without sharing: for readers inside the process. */
const iterate = <Item>(
  kind: Source<Item>['kind'],
  attach: (sharing: Sharing<Item, null, Item>, memberOf: (key: string) => Member<null, Item>) => () => void,
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
 * pending.
 */
export const readUntilLeft = <Out>(results: Queue<Out>, attach: () => () => void): AsyncIterableIterator<Out> => {
  let leave: (() => void) | null = null;
  const iterator: AsyncIterableIterator<Out> = {
    next: async () => {
      leave ??= attach();
      return await results.next();
    },
    return: async () => {
      leave?.();
      leave = () => undefined;
      return await results.return();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};

/**
 * Members that put what they are given into a queue: of a log everything, until it is more than `limit` and they end with
 * SLOW_CONSUMER; of a state only the newest of each key that has not been taken.
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
          else return results.end(slowConsumer());
        }
      },
    };
  };
  return { results, memberOf };
};

export const slowConsumer = (): Error =>
  coded('SLOW_CONSUMER', 'This subscription fell too far behind. Subscribe again after the last cursor you have seen.');
