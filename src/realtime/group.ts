import type { KnownHead } from './event-log.js';
import type { FairTurns } from './fair-limiter.js';
import { Owners } from './owners.js';
import { insist, mayPass } from './patience.js';
import { otherHistory, type Reader } from './readers.js';
import { accessRevoked, give, type Membership, type Rendered, type Sharing, type View } from './share.js';

/** A result, and when it was begun, by the process' own clock. */
interface Recent<Out> {
  readonly since: number;
  readonly result: Promise<Rendered<Out>>;
}

/** A stream as its groups see it. */
export interface FollowedStream<Item> {
  readonly reader: Reader<Item>;
  readonly key: string;
  readonly position: number;
  readonly head: KnownHead;
  /** Tells the log of what cannot be shown. */
  failed(place: number, error: unknown): void;
  /** The group's last member has left. */
  forget(group: { readonly id: string }): void;
}

/** How long a result may serve others who replay the same, in milliseconds: what it was made from may change without an event. */
const REUSE_MS = 1_000;
const REUSE_MAX = 500;
/** Audiences whose results are made at once: no more than the database has connections to answer them by. */
const AUDIENCES = 10;
/** Selections known to be personal: beyond it all are forgotten, which costs each one result in vain. */
const MAX_PERSONAL_KEYS = 10_000;
/** Events made into results at once. In the same tick, so that their reads of the database fall together. */
const CHUNK = 100;
/** What the results that are made at once may cost together, but for a single one. */
const CHUNK_WEIGHT = 2_000;
/** Selections above it are heavy: their results are made a few at a time in the whole process, by turns of their owners. */
export const LIGHT_WEIGHT = 500;
/** Items that may wait for a group; a log's are read again beyond it. */
const MAX_BACKLOG = 1_000;

export interface GroupOptions<Item, Audience, Out> {
  readonly stream: FollowedStream<Item>;
  readonly sharing: Sharing<Item, Audience, Out>;
  readonly view: View<Item>;
  /**
   * The sharing keys that turned out to be personal, for the process' life: the first result of a new group is not tried in vain
   * again.
   */
  readonly personalKeys: Set<string>;
  /** Where heavy results wait for their turn. */
  readonly heavy: FairTurns;
  /** The name of the group among those of its stream. */
  readonly id: string;
}

/** The results of some items in order, up to one that there is none of. */
export interface Made<Out> {
  readonly results: readonly Out[];
  /** What kept the next one from being made; null when all have been. */
  readonly failure: { readonly error: unknown } | null;
}

/**
 * The members of one stream that share a selection. A group has a backlog and a pace of its own: the stream hands it what has happened and
 * goes on, and no group waits for another. A log's group that falls behind further than its backlog reads the log again by itself, page by
 * page; a state's keeps the newest value; a signal's drops what is new.
 */
export class Group<Item, Audience, Out> {
  readonly members = new Set<Membership<Audience, Out>>();
  readonly view: View<Item>;
  readonly id: string;
  /** How many items are made into results at once. */
  readonly chunk: number;
  readonly #options: GroupOptions<Item, Audience, Out>;
  readonly #sharing: Sharing<Item, Audience, Out>;
  /** Whose the members are; null where nobody owns a selection. */
  readonly #owners: Owners | null;
  #recent: Map<string, Recent<Out>> | null = null;
  /** Found out by the group itself: then it is never taken back, whatever is forgotten elsewhere. */
  #personal = false;
  #backlog: readonly Item[] = [];
  /** After an overflow, the place behind which the log is read again; null while nothing is left out of the backlog. */
  #behind: number | null = null;
  #working = false;
  /** What all members are told once they have been given what waits. */
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

  /** Whether a member of the group is this owner's. */
  isOf(owner: string): boolean {
    return this.#owners?.has(owner) ?? false;
  }

  /** Takes the next items of the stream, to be handed to the members after what came before. */
  push(items: readonly Item[]): void {
    // Something has happened here: what was made before it may not be what would be made now.
    this.#recent = null;
    const { kind, placeOf } = this.#options.stream.reader;
    const [first] = this.#backlog;
    if (kind === 'state') this.#backlog = items.slice(-1);
    else if (first === undefined) {
      // One that is behind finds them in the log.
      if (this.#behind === null) this.#backlog = items;
    } else if (this.#backlog.length + items.length <= MAX_BACKLOG) this.#backlog = [...this.#backlog, ...items];
    else if (kind === 'log') {
      this.#behind = placeOf(first) - 1;
      this.#backlog = [];
      this.#tell('overflowed');
    }
    if (!this.#working) void this.#work();
  }

  /** Ends all members, also those who replay, after what waits for them: by an error, or with null because it is over. */
  finish(error: unknown): void {
    this.#ending = { error };
    if (!this.#working) this.#endAll();
  }

  /** Whether a stream is over after an item for one who has come to it by then. */
  isEndedBy(item: Item, audience: Audience): boolean {
    const end = this.view.endsFor(item);
    return end === 'everyone' || (end !== null && this.#sharing.userIdOf?.(audience) === end.userId);
  }

  /** What those are told who are ended by an item: null when it is simply over. */
  endError(item: Item): Error | null {
    return this.view.endsFor(item) === 'everyone' ? null : accessRevoked();
  }

  /** The results of `items` for one audience: those that others have asked for a moment ago are made once for all. */
  async render(items: readonly Item[], audience: Audience): Promise<Made<Out>> {
    if (!this.#isPersonal()) {
      const made = await this.#make(items, audience, null);
      if (!this.#isPersonal()) return made;
    }
    return await this.#make(items, audience, audience);
  }

  /** Gives one member, who waits for room where there is none, the results of `items`, but for what lies at or before its position and what it may not see. */
  hand(membership: Membership<Audience, Out>, items: readonly Item[], results: readonly Out[]): void {
    if (this.members.has(membership)) this.#hand([membership], items, results, false);
  }

  /** Whether a member is shown an item. */
  isVisible(item: Item, audience: Audience): boolean {
    return this.#sharing.visible?.(item, audience) ?? true;
  }

  /** Hands on what waits, until nothing does. Never rejects. */
  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.members.size > 0 && (this.#behind !== null || this.#backlog.length > 0)) {
        await this.#process(this.#behind === null ? this.#takeBacklog() : await this.#readMissed(this.#behind));
      }
    } catch (error) {
      // They cannot be given what has happened: they come back with their cursors, and nothing is left out.
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

  /** The next page of what the backlog had no room for. */
  async #readMissed(from: number): Promise<readonly Item[]> {
    const { stream } = this.#options;
    const { reader, key } = stream;
    const { items, head } = await insist(
      () => reader.read(key, { seq: from, epoch: stream.head.epoch, at: null }),
      () => this.members.size === 0,
    );
    if (items.length === 0 && head.seq < stream.position) throw otherHistory();
    // Nothing is awaited from here on to the next look, so what the stream hands over after this follows on.
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
      // Whoever could not take all of it comes to the end by themselves.
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
    // Whoever joined while the audiences were served has replayed up to the stream's position, or comes with the next.
  }

  async #deliverAlike(memberships: readonly Membership<Audience, Out>[], items: readonly Item[]): Promise<void> {
    const [someone] = memberships;
    if (someone === undefined || items.length === 0) return;
    const { audience } = someone.member;
    const made = await this.#make(items, audience, audience);
    // Whoever has left meanwhile is given nothing more.
    const here = memberships.filter((membership) => this.members.has(membership));
    await this.#settle(here, items, made, () =>
      this.#deliverAlike(
        here.filter((membership) => this.members.has(membership)),
        items.slice(made.results.length + 1),
      ),
    );
  }

  /**
   * Hands over what was made. Those for whom the next one could not be made end before it; they alone: whoever has joined behind it goes
   * on with what follows.
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

  /** Ends all but those who replay: they come to the end by themselves. */
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

  /** Whose a member is; null for nobody's. */
  ownerOf({ member }: Membership<Audience, Out>): string | null {
    return this.#sharing.ownerOf?.(member.audience) ?? null;
  }

  /**
   * Makes the results for an audience, or for everyone when it is null; those of a heavy selection when it is its owner's turn.
   * @param asker one of those who wait for them
   */
  async #make(items: readonly Item[], asker: Audience, audience: Audience | null): Promise<Made<Out>> {
    const { weight = 1, ownerOf, key } = this.#sharing;
    if (weight <= LIGHT_WEIGHT) return await this.#makeNow(items, audience);
    // What many want is nobody's in particular.
    const owner = ownerOf !== undefined && this.#owners?.isOne() === true ? ownerOf(asker) : key;
    return await this.#options.heavy.run(owner, () => this.#makeNow(items, audience));
  }

  async #makeNow(items: readonly Item[], audience: Audience | null): Promise<Made<Out>> {
    const results: Out[] = [];
    for (const made of await Promise.allSettled(items.map((item) => this.#rendered(item, audience)))) {
      if (made.status === 'rejected') return { results, failure: { error: made.reason } };
      if (audience === null && made.value.personal) this.#becomePersonal();
      results.push(made.value.out);
    }
    return { results, failure: null };
  }

  #rendered(item: Item, audience: Audience | null): Promise<Rendered<Out>> {
    const recent = (this.#recent ??= new Map<string, Recent<Out>>());
    const id = `${this.#options.stream.reader.placeOf(item)}\0${audience === null ? '' : this.#sharing.audienceId(audience)}`;
    const known = recent.get(id);
    const now = performance.now();
    if (known && now - known.since < REUSE_MS) return known.result;
    const result = this.#sharing.render(item, audience);
    if (recent.size >= REUSE_MAX) recent.clear();
    recent.set(id, { since: now, result });
    // A failure serves nobody again.
    result.catch(() => {
      if (recent.get(id)?.result === result) recent.delete(id);
    });
    return result;
  }
}
