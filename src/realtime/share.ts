import type { Stream } from './stream.js';

/** One who is told of what happens in a stream. Nothing here may throw; `deliver` and `end` are synchronous. */
export interface Member<Audience, Out> {
  /** Who it is: what may be shown to one audience may differ from what may be shown to another. */
  readonly audience: Audience;
  /** The next results, in order, each once. */
  readonly deliver: (results: readonly Out[]) => void;
  /** The stream cannot go on. Nothing follows. */
  readonly end: (error: unknown) => void;
  /** Resolves when a result of a replay may be delivered: the history of a stream must not overflow who asks for it. */
  readonly room: () => Promise<void>;
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
}

export interface Rendered<Out> {
  readonly out: Out;
  readonly personal: boolean;
}

/** The members of one stream that share a selection. */
export interface Group<Item, Audience, Out> {
  /** Adds a member that has had everything up to `position`. What is under way beyond that reaches it. */
  readonly join: (member: Member<Audience, Out>, position: number) => void;
  readonly leave: (member: Member<Audience, Out>) => void;
  /** The results of `items` for one member: those that others have asked for a moment ago are made once for all. */
  readonly render: (items: readonly Item[], audience: Audience) => Promise<Out[]>;
  /** Gives a member of the group the results of `items`, but for what lies at or before its position. */
  readonly hand: (member: Member<Audience, Out>, items: readonly Item[], results: readonly Out[]) => void;
  readonly size: () => number;
}

/** How long a result may serve others who replay the same, in milliseconds: what it was made from may change without an event. */
const REUSE_MS = 1_000;
const REUSE_MAX = 500;
/** Events made into results at once. In the same tick, so that their reads of the database fall together. */
const CHUNK = 100;

/**
 * @param personalKeys the sharing keys that turned out to be personal, for the process' life: the first result of a new group is not
 *   tried in vain again
 */
export const createGroup = <Item, Audience, Out>(
  stream: Stream<Item>,
  sharing: Sharing<Item, Audience, Out>,
  wanted: (item: Item) => boolean,
  personalKeys: Set<string>,
): Group<Item, Audience, Out> => {
  const members = new Map<Member<Audience, Out>, { position: number }>();
  const recent = new Map<string, { readonly since: number; readonly result: Promise<Rendered<Out>> }>();

  const isPersonal = (): boolean => personalKeys.has(sharing.key);

  const rendered = (item: Item, audience: Audience | null): Promise<Rendered<Out>> => {
    const id = `${stream.placeOf(item)}\0${audience === null ? '' : sharing.audienceId(audience)}`;
    const known = recent.get(id);
    const now = performance.now();
    if (known && now - known.since < REUSE_MS) return known.result;
    const result = sharing.render(item, audience);
    if (recent.size >= REUSE_MAX) recent.clear();
    recent.set(id, { since: now, result });
    // A failure serves nobody again.
    result.catch(() => {
      if (recent.get(id)?.result === result) recent.delete(id);
    });
    return result;
  };

  const render = async (items: readonly Item[], audience: Audience): Promise<Out[]> => {
    if (!isPersonal()) {
      const results = await Promise.all(items.map((item) => rendered(item, null)));
      if (!results.some(({ personal }) => personal)) return results.map(({ out }) => out);
      personalKeys.add(sharing.key);
    }
    return (await Promise.all(items.map((item) => rendered(item, audience)))).map(({ out }) => out);
  };

  /** Each member gets what lies beyond its position. */
  const hand = (member: Member<Audience, Out>, items: readonly Item[], results: readonly Out[]): void => {
    const state = members.get(member);
    const last = items.at(-1);
    if (!state || last === undefined || stream.placeOf(last) <= state.position) return;
    const { position } = state;
    state.position = stream.placeOf(last);
    const first = items.findIndex((item) => stream.placeOf(item) > position);
    member.deliver(first === 0 ? results : results.slice(first));
  };

  /** Ends those who cannot be given what has happened: they come back with their cursors, and nothing is left out. */
  const fail = (error: unknown): void => {
    for (const member of [...members.keys()]) member.end(error);
  };

  const deliver = async (items: readonly Item[]): Promise<void> => {
    // Something has happened here: what was made before it may not be what would be made now.
    recent.clear();
    const shown = items.filter(wanted);
    for (let start = 0; start < shown.length && members.size > 0; start += CHUNK) {
      const chunk = shown.slice(start, start + CHUNK);
      const [first] = members.keys();
      if (first === undefined) return;
      const common = isPersonal() ? null : await render(chunk, first.audience);
      if (common !== null && !isPersonal()) {
        for (const member of [...members.keys()]) hand(member, chunk, common);
        continue;
      }
      const byAudience = new Map<string, Member<Audience, Out>[]>();
      for (const member of members.keys()) {
        const id = sharing.audienceId(member.audience);
        const group = byAudience.get(id);
        if (group) group.push(member);
        else byAudience.set(id, [member]);
      }
      for (const group of byAudience.values()) {
        const [someone] = group;
        if (!someone) continue;
        const results = await render(chunk, someone.audience);
        for (const member of group) hand(member, chunk, results);
      }
      // Whoever joined while the audiences were served has replayed up to the stream's position, or comes with the next.
    }
  };

  const subscriber = { deliver: (items: readonly Item[]): Promise<void> => deliver(items).catch(fail), fail };

  return {
    join: (member, position) => {
      if (members.size === 0) stream.subscribers.add(subscriber);
      members.set(member, { position });
    },
    leave: (member) => {
      members.delete(member);
      if (members.size === 0) stream.subscribers.delete(subscriber);
    },
    render,
    hand,
    size: () => members.size,
  };
};
