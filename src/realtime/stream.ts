import type { Log } from '../observability/log.js';
import { PAGE_SIZE, type KnownHead } from './event-log.js';
import type { Group } from './group.js';
import { insist, mayPass } from './patience.js';
import type { Batch, Heard, Reader } from './readers.js';

/** The most items that are kept while a read is in flight; beyond it, they are read. */
const MAX_HEARD = PAGE_SIZE;

/**
 * A stream (topic, key) with subscribers in this process. It has at most one read in flight, whatever the number of subscribers; a wake
 * during a read causes another read. It passes items on to its groups without waiting for them.
 */
export class Stream<Item> {
  readonly topic: string;
  readonly key: string;
  readonly reader: Reader<Item>;
  /** The groups of subscribers, by selection. */
  readonly groups = new Map<string, Group<Item, unknown, unknown>>();
  /** How many readers have it open. */
  holders = 0;
  readonly #log: Log;
  #head: KnownHead = { seq: -1, epoch: null, at: null };
  #wanted = -1;
  /** Whether the stream may have changed in an unknown way, so that a read is due whatever is wanted. */
  #unknown = false;
  #heard: Heard<Item>[] = [];
  #heardItems = 0;
  #reading = false;
  #closed = false;
  #lastRead = Number.NEGATIVE_INFINITY;
  /** The last position that could not be rendered and was logged. */
  #failed = -1;

  constructor(topic: string, key: string, reader: Reader<Item>, log: Log) {
    this.topic = topic;
    this.key = key;
    this.reader = reader;
    this.#log = log;
  }

  /** The seq up to which all items were passed to the groups; -1 until {@link settle}. */
  get position(): number {
    return this.#head.seq;
  }

  get head(): KnownHead {
    return this.#head;
  }

  /** Sets the position where a new stream begins, and reads what was committed since it was looked up. Later calls change nothing. */
  settle(seq: number, epoch: number | null = null): void {
    if (this.position >= 0) return;
    this.#head = { seq, epoch, at: null };
    this.#unknown = true;
    this.#schedule();
  }

  /** Reports that the stream has grown to `seq`, or without it that it has changed in an unknown way. */
  wake(seq?: number): void {
    if (seq === undefined) this.#unknown = true;
    else this.#wanted = Math.max(this.#wanted, seq);
    this.#schedule();
  }

  /**
   * Takes items that this process has committed or received, which need not be read. Items that do not follow without a gap are read
   * instead.
   * @param priorAt when the event before these was numbered; null when it is not known
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

  /** Logs an item that cannot be rendered; once, however many groups wait for it. */
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

  /** Starts no further read. */
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
    // The last reader may have left during the read.
    if (this.#closed) return;
    const target = this.#wanted;
    const grown = target > this.position;
    this.#lastRead = performance.now();
    try {
      const { items, head, more, gone = false } = this.#takeHeard() ?? (await this.#readOn());
      this.#head = head;
      this.#unknown ||= more;
      // The read has looked for everything that was wanted before it. What it did not find must not be read again and again; if that was an
      // error, the next reconcile finds it.
      if (this.#wanted === target && !more) this.#wanted = this.position;
      if (items.length > 0) for (const group of this.groups.values()) group.push(items);
      // A missing row is an end only if there was a value before.
      if (gone && grown) this.#end(null);
    } catch (error) {
      // The retries have lasted long enough; the next reconcile tries again for the subscribers that are there then.
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
    // Events that other processes have committed meanwhile must still be read.
    return batch && { ...batch, more: batch.more || this.#wanted > batch.head.seq };
  }

  async #readOn(): Promise<Batch<Item>> {
    return await insist(
      async () => {
        // The flag is reset before the read, because a change during the read may not be in its result.
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
