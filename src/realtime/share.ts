import { coded } from '../errors.js';

/** One who is told of what happens in a stream. Nothing here may throw; `deliver` and `end` are synchronous. */
export interface Member<Audience, Out> {
  /** Who it is: what may be shown to one audience may differ from what may be shown to another. */
  readonly audience: Audience;
  /** The next results, in order, each once. */
  deliver(results: readonly Out[]): void;
  /** Nothing follows: for the error that keeps the stream from going on, or, with null, because it is over. */
  end(error: unknown): void;
  /** It is followed no longer, though its subscription goes on: what waits for it is nobody's any more. */
  leave?(): void;
  /** Resolves when a result of a replay may be delivered: the history of a stream must not overflow who asks for it. */
  room(): Promise<void>;
}

/** A member's place in a group. */
export interface Membership<Audience, Out> {
  readonly member: Member<Audience, Out>;
  /** What lies at or before it is not delivered; null until everything before has been. */
  position: number | null;
  /** Leaves the group and tells the member. */
  end(error: unknown): void;
  /** Leaves the group. */
  leave(): void;
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

/** A result, and when it was begun, by the process' own clock. */
interface Recent<Out> {
  readonly since: number;
  readonly result: Promise<Rendered<Out>>;
}

/** For whom a stream is over: for everyone, because nothing can follow, or for one user, who has lost the right to follow it. */
export type End = 'everyone' | { readonly userId: string };

/** What a group's members see of their stream. */
export interface View<Item> {
  readonly wanted: (item: Item) => boolean;
  /** For whom it is over after this item, whether or not that is shown; null for nobody. */
  readonly endsFor: (item: Item) => End | null;
}

/** Everything, for ever. */
export const WHOLE: View<unknown> = { wanted: () => true, endsFor: () => null };

export const accessRevoked = (): Error => coded('ACCESS_REVOKED', 'You may no longer follow this.');

/** How long a result may serve others who replay the same, in milliseconds: what it was made from may change without an event. */
const REUSE_MS = 1_000;
const REUSE_MAX = 500;
/** Audiences whose results are made at once: no more than the database has connections to answer them by. */
const AUDIENCES = 10;
/** Selections known to be personal: beyond it all are forgotten, which costs each one result in vain. */
const MAX_PERSONAL_KEYS = 10_000;
/** Events made into results at once. In the same tick, so that their reads of the database fall together. */
const CHUNK = 100;

export interface GroupOptions<Item, Audience, Out> {
  readonly sharing: Sharing<Item, Audience, Out>;
  readonly view: View<Item>;
  /** An event's seq, a value's version. */
  readonly placeOf: (item: Item) => number;
  /**
   * The sharing keys that turned out to be personal, for the process' life: the first result of a new group is not tried in vain
   * again.
   */
  readonly personalKeys: Set<string>;
  /** Called when the last member has left. */
  readonly onEmpty: (group: Group<Item, Audience, Out>) => void;
}

/** The members of one stream that share a selection. */
export class Group<Item, Audience, Out> {
  readonly members = new Set<Membership<Audience, Out>>();
  readonly view: View<Item>;
  readonly #options: GroupOptions<Item, Audience, Out>;
  readonly #sharing: Sharing<Item, Audience, Out>;
  #recent: Map<string, Recent<Out>> | null = null;
  /** Found out by the group itself: then it is never taken back, whatever is forgotten elsewhere. */
  #personal = false;

  constructor(options: GroupOptions<Item, Audience, Out>) {
    this.#options = options;
    this.#sharing = options.sharing;
    this.view = options.view;
  }

  leave(membership: Membership<Audience, Out>): void {
    this.members.delete(membership);
    if (this.members.size === 0) this.#options.onEmpty(this);
  }

  /** Hands the next items of the stream to the members. Fulfilled when they have been; never rejects. */
  async deliver(items: readonly Item[]): Promise<void> {
    // Something has happened here: what was made before it may not be what would be made now.
    this.#recent = null;
    try {
      let rest = items;
      for (let end = rest.findIndex(this.#endsSome); end >= 0; end = rest.findIndex(this.#endsSome)) {
        const last = rest[end] as Item;
        const ended = [...this.members].filter((membership) => this.#isBefore(membership, last) && this.isEndedBy(last, membership.member.audience));
        await this.#show(rest.slice(0, end + 1));
        for (const membership of ended) membership.end(this.endError(last));
        rest = rest.slice(end + 1);
      }
      await this.#show(rest);
    } catch (error) {
      // They cannot be given what has happened: they come back with their cursors, and nothing is left out.
      this.end(error);
    }
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

  readonly #endsSome = (item: Item): boolean => this.view.endsFor(item) !== null;

  #isBefore({ position }: Membership<Audience, Out>, item: Item): boolean {
    return position !== null && position < this.#options.placeOf(item);
  }

  async #show(items: readonly Item[]): Promise<void> {
    const shown = items.filter(this.view.wanted);
    for (let start = 0; start < shown.length && this.members.size > 0; start += CHUNK) await this.#deliver(shown.slice(start, start + CHUNK));
  }

  async #deliver(items: readonly Item[]): Promise<void> {
    const [first] = this.members;
    if (first === undefined) return;
    const common = this.#isPersonal() ? null : await this.render(items, first.member.audience);
    if (common !== null && !this.#isPersonal()) {
      this.#hand(this.members, items, common);
      return;
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
      await Promise.all(
        audiences.slice(start, start + AUDIENCES).map(async (alike) => {
          const [someone] = alike;
          if (someone) this.#hand(alike, items, await this.render(items, someone.member.audience));
        }),
      );
    }
    // Whoever joined while the audiences were served has replayed up to the stream's position, or comes with the next.
  }

  /** The results of `items` for one audience: those that others have asked for a moment ago are made once for all. */
  async render(items: readonly Item[], audience: Audience): Promise<Out[]> {
    if (!this.#isPersonal()) {
      const results = await Promise.all(items.map((item) => this.#rendered(item, null)));
      if (!results.some(({ personal }) => personal)) return results.map(({ out }) => out);
      this.#personal = true;
      const { personalKeys } = this.#options;
      if (personalKeys.size >= MAX_PERSONAL_KEYS) personalKeys.clear();
      personalKeys.add(this.#sharing.key);
    }
    return (await Promise.all(items.map((item) => this.#rendered(item, audience)))).map(({ out }) => out);
  }

  /** Gives one member the results of `items`, but for what lies at or before its position and what it may not see. */
  hand(membership: Membership<Audience, Out>, items: readonly Item[], results: readonly Out[]): void {
    if (this.members.has(membership)) this.#hand([membership], items, results);
  }

  /** Whether a member is shown an item. */
  isVisible(item: Item, audience: Audience): boolean {
    return this.#sharing.visible?.(item, audience) ?? true;
  }

  /** Ends all members but those who replay: they come to the end by themselves. */
  end(error: unknown): void {
    for (const membership of [...this.members]) if (membership.position !== null) membership.end(error);
  }

  #hand(memberships: Iterable<Membership<Audience, Out>>, items: readonly Item[], results: readonly Out[]): void {
    const { placeOf } = this.#options;
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
        member.deliver(results);
        continue;
      }
      const given = results.filter((_, index) => {
        const item = items[index] as Item;
        return placeOf(item) > position && this.isVisible(item, member.audience);
      });
      if (given.length > 0) member.deliver(given);
    }
  }

  #isPersonal(): boolean {
    this.#personal ||= this.#options.personalKeys.has(this.#sharing.key);
    return this.#personal;
  }

  #rendered(item: Item, audience: Audience | null): Promise<Rendered<Out>> {
    const recent = (this.#recent ??= new Map<string, Recent<Out>>());
    const id = `${this.#options.placeOf(item)}\0${audience === null ? '' : this.#sharing.audienceId(audience)}`;
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
