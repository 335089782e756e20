import { setTimeout as delay } from 'node:timers/promises';
import type { KnownHead } from './event-log.js';
import type { FairTurns } from '../db/fair-turns.js';
import { Owners } from './owners.js';
import { insist, mayPass } from './patience.js';
import { otherHistory, type Reader } from './readers.js';
import { accessRevoked, give, type Membership, type Rendered, type Sharing, type View } from './share.js';

/** A result and the time when it was begun, on the process' monotonic clock. */
interface Recent<Out> {
  readonly since: number;
  readonly result: Promise<Rendered<Out>>;
}

/** The part of a stream that its groups use. */
export interface FollowedStream<Item> {
  readonly reader: Reader<Item>;
  readonly key: string;
  readonly position: number;
  readonly head: KnownHead;
  /** Logs an item that cannot be rendered. */
  failed(place: number, error: unknown): void;
  /** Called when the last member has left. */
  forget(group: { readonly id: string }): void;
}

/**
 * How long a result may be reused for other subscribers who replay the same events, in milliseconds: the rows it was made from may change
 * without an event.
 */
const REUSE_MS = 1_000;
const REUSE_MAX = 500;
/** The most audiences that are rendered concurrently: no more than the database has connections. */
const AUDIENCES = 10;
/** The most selections that are remembered as personal; beyond that number all are forgotten, which costs each one wasted execution. */
const MAX_PERSONAL_KEYS = 10_000;
/** The most events that are rendered together, in the same tick, so that their reads are batched. */
const CHUNK = 100;
/** The most that the results rendered together may cost, unless it is a single one. */
const CHUNK_WEIGHT = 2_000;
/** The cost above which a selection is heavy. Heavy results are rendered a few at a time in the process, in turns of their owners. */
export const LIGHT_WEIGHT = 500;
/** How long a group waits at a time for a budget, in milliseconds: its members may leave meanwhile. */
const LONGEST_WAIT_MS = 1_000;
/** The longest backlog of a group; beyond it, a log is read again. */
const MAX_BACKLOG = 1_000;

export interface GroupOptions<Item, Audience, Out> {
  readonly stream: FollowedStream<Item>;
  readonly sharing: Sharing<Item, Audience, Out>;
  readonly view: View<Item>;
  /**
   * The sharing keys that have proved to be personal, for the life of the process, so that a new group does not waste its first execution.
   */
  readonly personalKeys: Set<string>;
  /** The limiter of heavy results. */
  readonly heavy: FairTurns;
  /** The name of the group among those of its stream. */
  readonly id: string;
}

/** The results of items in order, up to the first that could not be rendered. */
export interface Made<Out> {
  readonly results: readonly Out[];
  /** The error of the first item that could not be rendered; null when there is none. */
  readonly failure: { readonly error: unknown } | null;
}

/**
 * The members of a stream that share a selection. Each group has a backlog and a pace of its own: the stream passes items on without
 * waiting, and no group waits for another. When the backlog overflows, a log's group reads the log again page by page, a state's group
 * keeps only the newest value, and a signal's group drops the new one.
 */
export class Group<Item, Audience, Out> {
  readonly members = new Set<Membership<Audience, Out>>();
  readonly view: View<Item>;
  readonly id: string;
  /** How many items are rendered together. */
  readonly chunk: number;
  readonly #options: GroupOptions<Item, Audience, Out>;
  readonly #sharing: Sharing<Item, Audience, Out>;
  /** The owners of the members; null when selections have no owner. */
  readonly #owners: Owners | null;
  #recent: Map<string, Recent<Out>> | null = null;
  /** Set when this group has proved to be personal. It is never reset, whatever is forgotten in `personalKeys`. */
  #personal = false;
  #backlog: readonly Item[] = [];
  /** After an overflow, the position from which the log is read again; null while the backlog is complete. */
  #behind: number | null = null;
  #working = false;
  /** The end that all members get after the backlog. */
  #ending: { readonly error: unknown } | null = null;

  constructor(options: GroupOptions<Item, Audience, Out>) {
    const { sharing, view } = options;
    this.#options = options;
    this.#sharing = sharing;
    this.#owners = sharing.ownerOf ? new Owners() : null;
    this.view = view;
    this.id = options.id;
    this.chunk = Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_WEIGHT / (sharing.weight ?? 1))));
  }

  join(membership: Membership<Audience, Out>): void {
    this.members.add(membership);
    const owner = this.ownerOf(membership);
    if (owner !== null) this.#owners?.add(owner);
  }

  leave(membership: Membership<Audience, Out>): void {
    if (!this.members.delete(membership)) return;
    const owner = this.ownerOf(membership);
    if (owner !== null) this.#owners?.delete(owner);
    if (this.members.size === 0) this.#options.stream.forget(this);
  }

  /** Whether one of the members belongs to this owner. */
  isOf(owner: string): boolean {
    return this.#owners?.has(owner) ?? false;
  }

  /** Takes the next items of the stream, which are delivered after those before. */
  push(items: readonly Item[]): void {
    // After a new item, earlier results may be out of date.
    this.#recent = null;
    const { kind, placeOf } = this.#options.stream.reader;
    const [first] = this.#backlog;
    if (kind === 'state') this.#backlog = items.slice(-1);
    else if (first === undefined) {
      // A group that is behind will find them in the log.
      if (this.#behind === null) this.#backlog = items;
    } else if (this.#backlog.length + items.length <= MAX_BACKLOG) this.#backlog = [...this.#backlog, ...items];
    else if (kind === 'log') {
      this.#behind = placeOf(first) - 1;
      this.#backlog = [];
      this.#tell('overflowed');
    }
    if (!this.#working) void this.#work();
  }

  /** Ends all members after the backlog, also those that replay: with an error, or with null when the stream is complete. */
  finish(error: unknown): void {
    this.#ending = { error };
    if (!this.#working) this.#endAll();
  }

  /** Whether the item ends the stream for this audience. */
  isEndedBy(item: Item, audience: Audience): boolean {
    const end = this.view.endsFor(item);
    return end === 'everyone' || (end !== null && this.#sharing.userIdOf?.(audience) === end.userId);
  }

  /** The end that an item causes: null when the stream is complete. */
  endError(item: Item): Error | null {
    return this.view.endsFor(item) === 'everyone' ? null : accessRevoked();
  }

  /** The results of `items` for an audience that replays. Results that were rendered a moment ago for others are reused. */
  async render(items: readonly Item[], audience: Audience): Promise<Made<Out>> {
    if (!this.#isPersonal()) {
      const made = await this.#make(items, audience, null);
      if (!this.#isPersonal()) return made;
    }
    return await this.#make(items, audience, audience);
  }

  /** Delivers to one member the results of those `items` that it has not had and may see. The member waits for room by itself. */
  hand(membership: Membership<Audience, Out>, items: readonly Item[], results: readonly Out[]): void {
    if (this.members.has(membership)) this.#hand([membership], items, results, false);
  }

  /** Whether an audience may see an item. */
  isVisible(item: Item, audience: Audience): boolean {
    return this.#sharing.visible?.(item, audience) ?? true;
  }

  /** Delivers the backlog until it is empty. Never rejects. */
  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.members.size > 0 && (this.#behind !== null || this.#backlog.length > 0)) {
        await this.#process(this.#behind === null ? this.#takeBacklog() : await this.#readMissed(this.#behind));
      }
    } catch (error) {
      // The members cannot get the events: they end, and resume with their cursors without losing any.
      const { stream } = this.#options;
      if (mayPass(error)) stream.failed(stream.position, error);
      this.#end(error);
    }
    this.#working = false;
    this.#backlog = [];
    this.#behind = null;
    if (this.#ending) this.#endAll();
  }

  #takeBacklog(): readonly Item[] {
    const items = this.#backlog;
    this.#backlog = [];
    return items;
  }

  /** Reads the next page of what did not fit into the backlog. */
  async #readMissed(from: number): Promise<readonly Item[]> {
    const { stream } = this.#options;
    const { reader, key } = stream;
    const { items, head } = await insist(
      () => reader.read(key, { seq: from, epoch: stream.head.epoch, at: null }),
      () => this.members.size === 0,
    );
    if (items.length === 0 && head.seq < stream.position) throw otherHistory();
    // There is no await between this line and the next check of the backlog, so items that the stream pushes afterwards follow without a
    // gap.
    this.#behind = head.seq < stream.position ? head.seq : null;
    if (this.#behind === null) this.#tell('reread');
    return items;
  }

  #tell(event: 'overflowed' | 'reread'): void {
    for (const membership of this.members) membership.pass?.(event);
  }

  async #process(items: readonly Item[]): Promise<void> {
    let rest = items;
    const endOf = (some: readonly Item[]): number => some.findIndex((item) => this.view.endsFor(item) !== null);
    for (let end = endOf(rest); end >= 0; end = endOf(rest)) {
      const last = rest[end] as Item;
      const ended = [...this.members].filter(
        (membership) => this.#isBefore(membership, last) && this.isEndedBy(last, membership.member.audience),
      );
      await this.#show(rest.slice(0, end + 1));
      // A member that could not take all results is replaying, and reaches the end by itself.
      for (const membership of ended) if (membership.position !== null) membership.end(this.endError(last));
      rest = rest.slice(end + 1);
    }
    await this.#show(rest);
  }

  #isBefore({ position }: Membership<Audience, Out>, item: Item): boolean {
    return position !== null && position < this.#options.stream.reader.placeOf(item);
  }

  async #show(items: readonly Item[]): Promise<void> {
    const shown = items.filter(this.view.wanted);
    for (let start = 0; start < shown.length && this.members.size > 0; start += this.chunk)
      await this.#deliver(shown.slice(start, start + this.chunk));
  }

  async #deliver(items: readonly Item[]): Promise<void> {
    const [first] = this.members;
    if (first === undefined) return;
    if (!this.#isPersonal()) {
      const made = await this.#make(items, first.member.audience, null);
      if (!this.#isPersonal()) {
        await this.#settle(this.members, items, made, () => this.#deliver(items.slice(made.results.length + 1)));
        return;
      }
    }
    const byAudience = new Map<string, Membership<Audience, Out>[]>();
    for (const membership of this.members) {
      const id = this.#sharing.audienceId(membership.member.audience);
      const alike = byAudience.get(id);
      if (alike) alike.push(membership);
      else byAudience.set(id, [membership]);
    }
    const audiences = [...byAudience.values()];
    for (let start = 0; start < audiences.length; start += AUDIENCES) {
      await Promise.all(audiences.slice(start, start + AUDIENCES).map((alike) => this.#deliverAlike(alike, items)));
    }
    // A member that joined meanwhile has replayed up to the stream's position, or gets these items with the next delivery.
  }

  async #deliverAlike(memberships: readonly Membership<Audience, Out>[], items: readonly Item[]): Promise<void> {
    const [someone] = memberships;
    if (someone === undefined || items.length === 0) return;
    const { audience } = someone.member;
    const made = await this.#make(items, audience, audience);
    // Members that have left meanwhile are skipped.
    const here = memberships.filter((membership) => this.members.has(membership));
    await this.#settle(here, items, made, () =>
      this.#deliverAlike(
        here.filter((membership) => this.members.has(membership)),
        items.slice(made.results.length + 1),
      ),
    );
  }

  /**
   * Delivers the results. When an item could not be rendered, the members waiting for it end before it, and only they: a member that has
   * joined behind that item goes on.
   */
  async #settle(
    memberships: Iterable<Membership<Audience, Out>>,
    items: readonly Item[],
    { results, failure }: Made<Out>,
    goOn: () => Promise<void>,
  ): Promise<void> {
    if (failure === null) {
      this.#hand(memberships, items, results, true);
      return;
    }
    const failed = items[results.length] as Item;
    this.#hand(memberships, items.slice(0, results.length), results, true);
    this.#options.stream.failed(this.#options.stream.reader.placeOf(failed), failure.error);
    for (const membership of [...memberships]) if (this.#isBefore(membership, failed)) membership.end(failure.error);
    await goOn();
  }

  /** Ends all members except those that replay; they reach the end by themselves. */
  #end(error: unknown): void {
    for (const membership of [...this.members]) if (membership.position !== null) membership.end(error);
  }

  #endAll(): void {
    const { error } = this.#ending ?? { error: null };
    this.#ending = null;
    for (const membership of [...this.members]) membership.end(error);
  }

  #hand(memberships: Iterable<Membership<Audience, Out>>, items: readonly Item[], results: readonly Out[], live: boolean): void {
    const { placeOf } = this.#options.stream.reader;
    const [head] = items;
    const tail = items.at(-1);
    if (head === undefined || tail === undefined) return;
    const first = placeOf(head);
    const last = placeOf(tail);
    const { visible } = this.#sharing;
    for (const membership of memberships) {
      const { position, member } = membership;
      if (position === null || position >= last) continue;
      membership.position = last;
      if (visible === undefined && position < first) {
        this.#give(membership, items, results, live);
        continue;
      }
      const shown = items.flatMap((item, index) =>
        placeOf(item) > position && this.isVisible(item, member.audience) ? [{ item, result: results[index] as Out }] : [],
      );
      if (shown.length > 0) {
        this.#give(
          membership,
          shown.map(({ item }) => item),
          shown.map(({ result }) => result),
          live,
        );
      }
    }
  }

  #give(membership: Membership<Audience, Out>, items: readonly Item[], results: readonly Out[], live: boolean): void {
    const untaken = items[give(membership.member, results, live)];
    if (untaken !== undefined) membership.fallBehind?.(this.#options.stream.reader.placeOf(untaken));
  }

  #isPersonal(): boolean {
    this.#personal ||= this.#options.personalKeys.has(this.#sharing.key);
    return this.#personal;
  }

  #becomePersonal(): void {
    this.#personal = true;
    const { personalKeys } = this.#options;
    if (personalKeys.size >= MAX_PERSONAL_KEYS) personalKeys.clear();
    personalKeys.add(this.#sharing.key);
  }

  /** The owner of a member; null when it has none. */
  ownerOf({ member }: Membership<Audience, Out>): string | null {
    return this.#sharing.ownerOf?.(member.audience) ?? null;
  }

  /**
   * Renders items for an audience, or for everyone when it is null. A heavy selection waits for its owner's turn.
   * @param asker one of the audiences that wait for the results
   */
  async #make(items: readonly Item[], asker: Audience, audience: Audience | null): Promise<Made<Out>> {
    const { weight = 1, ownerOf, key, waitMs } = this.#sharing;
    // A selection of several owners takes turns, and pays, under its own key.
    const owner = ownerOf !== undefined && this.#owners?.isOne() === true ? ownerOf(asker) : key;
    // Whoever has spent a budget gets events later, at the pace at which it fills.
    for (let wait = waitMs?.(owner) ?? 0; wait > 0 && this.members.size > 0; wait = waitMs?.(owner) ?? 0)
      await delay(Math.min(wait, LONGEST_WAIT_MS), undefined, { ref: false });
    if (weight <= LIGHT_WEIGHT) return await this.#makeNow(items, audience, owner);
    return await this.#options.heavy.run(owner, () => this.#makeNow(items, audience, owner));
  }

  async #makeNow(items: readonly Item[], audience: Audience | null, owner: string): Promise<Made<Out>> {
    const results: Out[] = [];
    for (const made of await Promise.allSettled(items.map((item) => this.#rendered(item, audience, owner)))) {
      if (made.status === 'rejected') return { results, failure: { error: made.reason } };
      if (audience === null && made.value.personal) this.#becomePersonal();
      results.push(made.value.out);
    }
    return { results, failure: null };
  }

  #rendered(item: Item, audience: Audience | null, owner: string): Promise<Rendered<Out>> {
    const recent = (this.#recent ??= new Map<string, Recent<Out>>());
    const id = `${this.#options.stream.reader.placeOf(item)}\0${audience === null ? '' : this.#sharing.audienceId(audience)}`;
    const known = recent.get(id);
    const now = performance.now();
    if (known && now - known.since < REUSE_MS) return known.result;
    this.#sharing.pay?.(owner);
    const result = this.#sharing.render(item, audience);
    if (recent.size >= REUSE_MAX) recent.clear();
    recent.set(id, { since: now, result });
    // A failed result is not reused.
    result.catch(() => {
      if (recent.get(id)?.result === result) recent.delete(id);
    });
    return result;
  }
}
