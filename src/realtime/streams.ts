import { coded } from '../errors.js';
import type { Log } from '../observability/log.js';
import type { Bus } from './bus.js';
import type { KnownHead } from './event-log.js';
import { createFairTurns, type FairTurns } from '../db/fair-turns.js';
import { Group } from './group.js';
import type { Membership, Sharing, View } from './share.js';
import type { Attached } from './source.js';
import type { Reader } from './readers.js';
import { Stream } from './stream.js';

export interface StreamsOptions {
  readonly bus: Bus;
  readonly log: Log;
  /** How many different selections of one stream an owner may follow at a time. */
  readonly maxSelections: number;
}

/** How many heavy results are rendered at a time in the process. */
const HEAVY_AT_ONCE = 2;

/** The open streams of the process and their subscribers. */
export class Streams {
  stopped = false;
  readonly #options: StreamsOptions;
  readonly #streams = new Map<string, { readonly stream: Stream<unknown>; readonly unlisten: () => void }>();
  readonly #personalKeys = new Set<string>();
  readonly #heavy: FairTurns = createFairTurns(HEAVY_AT_ONCE);
  #subscribers = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get(topic: string, key: string): Stream<unknown> | undefined {
    return this.#streams.get(idOf(topic, key, false))?.stream;
  }

  /** Wakes what follows a stream: its events, and the state whose version is the seq of the same head. */
  wake(topic: string, key: string, seqFor: (stream: Stream<unknown>) => number | undefined = () => undefined): void {
    for (const isState of [false, true]) {
      const stream = this.#streams.get(idOf(topic, key, isState))?.stream;
      stream?.wake(seqFor(stream));
    }
  }

  /** Opens a stream, or shares the open one, until {@link release}. `onSignal` gets the values of signals. */
  acquire<Item>(topic: string, key: string, reader: Reader<Item>, onSignal?: (value: unknown) => void): Stream<Item> {
    const id = idOf(topic, key, reader.kind === 'state');
    let entry = this.#streams.get(id);
    if (!entry) {
      const stream = new Stream<unknown>(topic, key, reader as unknown as Reader<unknown>, this.#options.log);
      const unlisten = this.#options.bus.listen(topic, key, onSignal ? (_seq, value) => onSignal(value) : (seq) => stream.wake(seq));
      this.#streams.set(id, (entry = { stream, unlisten }));
    }
    entry.stream.holders += 1;
    return entry.stream as unknown as Stream<Item>;
  }

  release({ topic, key, reader }: { readonly topic: string; readonly key: string; readonly reader: Pick<Reader<never>, 'kind'> }): void {
    const id = idOf(topic, key, reader.kind === 'state');
    const entry = this.#streams.get(id);
    if (!entry) return;
    entry.stream.holders -= 1;
    if (entry.stream.holders > 0) return;
    this.#streams.delete(id);
    entry.unlisten();
    entry.stream.close();
  }

  /** The group of a stream for a selection. It exists as long as it has members. */
  group<Item>(
    stream: Stream<Item>,
    sharing: Sharing<Item, unknown, unknown>,
    shows: string,
    view: View<Item>,
  ): Group<Item, unknown, unknown> {
    const id = `${shows}\0${sharing.key}`;
    let group = stream.groups.get(id);
    if (!group) {
      group = new Group({ id, stream, sharing, view, personalKeys: this.#personalKeys, heavy: this.#heavy });
      stream.groups.set(id, group);
    }
    return group;
  }

  /**
   * Joins a member to a group of a stream.
   * @returns the error with which the member ends at once, when its owner follows too many other selections of the stream
   */
  join<Item>(stream: Stream<Item>, group: Group<Item, unknown, unknown>, membership: Membership<unknown, unknown>): Error | null {
    const owner = group.ownerOf(membership);
    group.join(membership);
    const { maxSelections } = this.#options;
    // With so few groups nobody can exceed the limit, which makes the common case free.
    if (owner === null || stream.groups.size <= maxSelections) return null;
    let selections = 0;
    for (const each of stream.groups.values()) if (each.isOf(owner)) selections += 1;
    return selections <= maxSelections
      ? null
      : coded('RATE_LIMITED', `One may follow ${maxSelections} different selections of one stream at a time.`, { limit: maxSelections });
  }

  /** Registers a subscription; after `stop` it ends at once. */
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

  /** The known heads of the streams that are kept in the database. */
  heads(): (KnownHead & { readonly topic: string; readonly key: string })[] {
    const heads = [];
    for (const { stream } of this.#streams.values()) {
      const { topic, key, reader } = stream;
      if (stream.position >= 0 && reader.kind !== 'signal') heads.push({ topic, key, ...stream.head });
    }
    return heads;
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

/** A log and a state may share a head: then they are two streams of one name. */
const idOf = (topic: string, key: string, isState: boolean): string => `${topic}\0${key}${isState ? '\0state' : ''}`;
