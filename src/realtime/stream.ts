import type { Log } from '../observability/log.js';
import { PAGE_SIZE, type KnownHead } from './event-log.js';
import type { Group } from './group.js';
import { insist, mayPass } from './patience.js';
import type { Batch, Heard, Reader } from './readers.js';

/** What is heard while a read is under way is kept up to this many items; beyond it, it is read. */
const MAX_HEARD = PAGE_SIZE;

/**
 * One (topic, key) with a local audience. One read is in flight at a time, whatever the number of subscribers; what becomes known
 * meanwhile falls into the next. It hands what it has found to its groups and waits for none of them.
 */
export class Stream<Item> {
  readonly topic: string;
  readonly key: string;
  readonly reader: Reader<Item>;
  /** Those who follow it here, by what they share. */
  readonly groups = new Map<string, Group<Item, unknown, unknown>>();
  /** Those who have it open. */
  holders = 0;
  readonly #log: Log;
  #head: KnownHead = { seq: -1, epoch: null, at: null };
  #wanted = -1;
  /** Grown by an unknown amount: a read is due whatever is wanted. */
  #unknown = false;
  #heard: Heard<Item>[] = [];
  #heardItems = 0;
  #reading = false;
  #closed = false;
  #lastRead = Number.NEGATIVE_INFINITY;
  /** The place that could not be shown last, of which the log has been told. */
  #failed = -1;

  constructor(topic: string, key: string, reader: Reader<Item>, log: Log) {
    this.topic = topic;
    this.key = key;
    this.reader = reader;
    this.#log = log;
  }

  /** The seq up to which everything has been handed to the groups; -1 until {@link settle}. */
  get position(): number {
    return this.#head.seq;
  }

  get head(): KnownHead {
    return this.#head;
  }

  /** Fixes where a new stream begins, and reads what came since that was looked up. Later calls change nothing. */
  settle(seq: number, epoch: number | null = null): void {
    if (this.position >= 0) return;
    this.#head = { seq, epoch, at: null };
    this.#unknown = true;
    this.#schedule();
  }

  /** The stream has grown to `seq`, or changed in an unknown way when it is left out. */
  wake(seq?: number): void {
    if (seq === undefined) this.#unknown = true;
    else this.#wanted = Math.max(this.#wanted, seq);
    this.#schedule();
  }

  /**
   * What this process itself has committed or been told: what need not be read again. What does not follow on is read.
   * @param priorAt when the event before these was numbered, as far as is known
   */
  hear(items: readonly Item[], priorAt: Date | null = null): void {
    const last = items.at(-1);
    if (this.position < 0 || last === undefined) return;
    const heard = { items, priorAt };
    if (this.reader.contradicts(heard, this.#head)) return this.wake();
    if (this.#heardItems + items.length > MAX_HEARD) this.#forgetHeard();
    else {
      this.#heard.push(heard);
      this.#heardItems += items.length;
    }
    this.wake(this.reader.placeOf(last));
  }

  /** Tells the log of what cannot be shown; once, however many wait for it. */
  failed(place: number, error: unknown): void {
    if (this.#failed === place) return;
    this.#failed = place;
    const cause: unknown = error instanceof Error && 'originalError' in error ? (error.originalError ?? error) : error;
    this.#log.error(
      { topic: this.topic, key: this.key, seq: place, err: cause },
      'what follows here cannot be shown: subscriptions ended with UNAVAILABLE',
    );
  }

  /** A group has lost its last member. */
  forget(group: { readonly id: string }): void {
    if (this.groups.get(group.id) === group) this.groups.delete(group.id);
  }

  /** Begins no further read. */
  close(): void {
    this.#closed = true;
  }

  #forgetHeard(): void {
    this.#heard = [];
    this.#heardItems = 0;
  }

  #schedule(): void {
    if (this.#closed || this.#reading || this.position < 0 || !(this.#unknown || this.#wanted > this.position)) return;
    this.#reading = true;
    const wait = this.#lastRead + this.reader.minIntervalMs - performance.now();
    if (wait > 0) setTimeout(() => void this.#read(), wait).unref();
    else void this.#read();
  }

  async #read(): Promise<void> {
    // The last reader may have left while this read was waited for.
    if (this.#closed) return;
    const target = this.#wanted;
    const grown = target > this.position;
    this.#lastRead = performance.now();
    try {
      const { items, head, more, gone = false } = this.#takeHeard() ?? (await this.#readOn());
      this.#head = head;
      this.#unknown ||= more;
      // All that was asked for before this read has been looked for. What was not there must not be asked for again and again;
      // should it be a mistake, the next reconcile finds it.
      if (this.#wanted === target && !more) this.#wanted = this.position;
      if (items.length > 0) for (const group of this.groups.values()) group.push(items);
      // Before there is a value nothing has happened to it.
      if (gone && grown) this.#end(null);
    } catch (error) {
      // What has been tried for long is tried again by the next reconcile, for those who are here then.
      this.#wanted = this.position;
      if (mayPass(error)) this.failed(this.position + 1, error);
      this.#end(error);
    } finally {
      this.#reading = false;
      this.#schedule();
    }
  }

  #takeHeard(): Batch<Item> | null {
    if (this.#heard.length === 0) return null;
    const batch = this.reader.hear(this.#heard, this.#head);
    this.#forgetHeard();
    // What others have committed meanwhile is still to be read.
    return batch && { ...batch, more: batch.more || this.#wanted > batch.head.seq };
  }

  async #readOn(): Promise<Batch<Item>> {
    return await insist(
      async () => {
        // Before the read: what becomes known while it is under way may not be in it.
        this.#unknown = false;
        return await this.reader.read(this.key, this.#head);
      },
      () => this.#closed,
    );
  }

  #end(error: unknown): void {
    for (const group of [...this.groups.values()]) group.finish(error);
  }
}
