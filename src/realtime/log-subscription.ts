import { eventsBehind, type AnyEvent, type ReadOn } from './event-log.js';
import { insist, mayPass } from './patience.js';
import type { Group } from './group.js';
import { give, type Member, type Membership } from './share.js';
import type { Attached } from './source.js';
import { assertWithoutHole, holeInLog, otherHistory } from './readers.js';
import type { Stream } from './stream.js';
import type { Streams } from './streams.js';
import { endBy, Life } from './subscription-life.js';

/** A subscription to one stream, which is also its membership in a group. */
export class Following<Item> extends Life implements Membership<unknown, unknown>, Attached {
  readonly stream: Stream<Item>;
  readonly group: Group<Item, unknown, unknown>;
  readonly member: Member<unknown, unknown>;
  position: number | null = null;
  /**
   * The head when the subscriber's rights were checked. An event up to it that ended their membership does not end the subscription: they
   * have joined again since.
   */
  readonly headSeq: number;
  readonly #streams: Streams;
  readonly #goOnAfter: (following: Following<Item>, position: number) => void;

  /** @param goOnAfter replays the events after a position until the subscription has reached the stream's position */
  constructor(
    streams: Streams,
    stream: Stream<Item>,
    group: Group<Item, unknown, unknown>,
    member: Member<unknown, unknown>,
    headSeq = 0,
    goOnAfter: (following: Following<Item>, position: number) => void = nothingMissed,
  ) {
    super();
    this.headSeq = headSeq;
    this.#goOnAfter = goOnAfter;
    this.#streams = streams;
    this.stream = stream;
    this.group = group;
    this.member = member;
    const refusal = streams.join(stream, group, this);
    streams.enter(this);
    if (refusal !== null) this.end(refusal);
    if (!this.left) this.pass('attached');
  }

  /** Ends the replay: everything up to `position` has been delivered, and the group delivers what follows. */
  catchUp(position: number): void {
    this.pass('caughtUp');
    this.position = position;
  }

  /** Goes back to replaying: the connection could not take all results, so the rest is read from the log when there is room. */
  fallBehind(place: number): void {
    this.pass('fellBehind');
    this.position = null;
    this.#goOnAfter(this, place - 1);
  }

  end(error: unknown): void {
    if (!this.pass(endBy(error))) return;
    this.#release();
    this.member.end(error);
  }

  leave(): void {
    if (this.pass('left')) this.#release();
  }

  #release(): void {
    this.group.leave(this);
    this.#streams.release(this.stream);
    this.#streams.exit();
  }
}

/** For signals. */
const nothingMissed = (): void => undefined;

/**
 * Replays the events that a subscriber has missed, and joins it to its group when its position equals the stream's. There is no await
 * between that comparison and the joining, so no event falls between.
 */
export const replay = async (
  readOn: ReadOn,
  following: Following<AnyEvent>,
  { start, epoch, first = [] }: ReplayOptions,
): Promise<void> => {
  const { stream, group, member, headSeq } = following;
  const { wanted, endsFor } = group.view;
  const isLeft = (): boolean => following.left;
  let position = start;
  while (!isLeft() && position < stream.position) {
    const events = position === start && first.length > 0 ? first : await readMissed(readOn, following, position);
    if (events.length === 0) throw holeInLog();
    assertWithoutHole(events, position);
    // The database went back during the read, or is another one.
    if (epoch !== null && events.some((event) => event.epoch !== epoch)) throw otherHistory();
    const end = events.findIndex(
      (event) => (event.seq > headSeq || endsFor(event) === 'everyone') && group.isEndedBy(event, member.audience),
    );
    const kept = end < 0 ? events : events.slice(0, end + 1);
    for (let first = 0; first < kept.length && !isLeft(); first += group.chunk) {
      const chunk = kept.slice(first, first + group.chunk);
      const shown = chunk.filter((event) => wanted(event) && group.isVisible(event, member.audience));
      const { results, failure } = await group.render(shown, member.audience);
      // One result at a time, as long as there is room: a subscriber that reads must not fall behind because results are long.
      for (const result of results) {
        do {
          await member.room();
          if (isLeft()) return;
        } while (give(member, [result], false) === 0);
      }
      if (failure !== null) {
        if (isLeft()) return;
        stream.failed(shown[results.length]?.seq ?? position, failure.error);
        throw failure.error;
      }
      position = chunk.at(-1)?.seq ?? position;
    }
    if (isLeft()) return;
    following.pass('pageRead');
    const last = events[end];
    if (last !== undefined) {
      following.end(group.endError(last));
      return;
    }
  }
  if (!isLeft()) following.catchUp(position);
};

export interface ReplayOptions {
  /** The seq after which it begins. */
  readonly start: number;
  readonly epoch: number | null;
  /** The first events after it, if they have been read. */
  readonly first?: readonly AnyEvent[];
}

const readMissed = async (readOn: ReadOn, following: Following<AnyEvent>, position: number): Promise<readonly AnyEvent[]> => {
  const { stream } = following;
  try {
    return await insist(
      async () => eventsBehind(position, await readOn(stream.topic, stream.key, position)),
      () => following.left,
    );
  } catch (error) {
    if (mayPass(error) && !following.left) stream.failed(position + 1, error);
    throw error;
  }
};
