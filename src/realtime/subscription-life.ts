import { codeOf } from '../errors.js';

/**
 * The life of a subscription to a log (and to signals, which have nothing to replay):
 *
 *               refused, stopped
 *     opening ───────────────────────────────────────────────┐
 *        │ attached: it has a place in its group             │
 *        ▼                                                   │
 *     replaying ◄─┐ pageRead: it reads what it has missed    │ completed: nothing can follow
 *        │  └─────┘ by itself, page by page                  │ revoked:   the log says that it may follow no longer
 *        │ caughtUp: it stands where its stream stands,      ├──────────────────────────────────────────────► ended
 *        ▼           and is given what its group makes       │ failed:    what follows cannot be shown
 *        │ fellBehind: its connection had no time to take    │
 *        │             all of it; live and behind go back    │
 *        │             to replaying by that                  │
 *      live ◄───────────────┐                                │ left:      its reader has gone, does not keep up,
 *        │ overflowed: more │ reread: nothing is             │            or has lost the right to follow it
 *        ▼ than may wait    │ left out any more              │
 *      behind ──────────────┘ ───────────────────────────────┘
 *        its group reads the log again, page by page
 *
 * Each key of a subscription to a state lives by it, too: it is "replaying" while its present value is read, and never behind, since older values
 * are dropped.
 *
 * Every change of state goes by {@link LIFE}. What is delivered changes none, and costs nothing here.
 */
export type LifeState = keyof typeof LIFE;
export type LifeEvent = keyof (typeof LIFE)['opening'];

/** The transitions: the state after each event; null where an event cannot happen. */
export const LIFE = {
  opening: {
    attached: 'replaying',
    pageRead: null,
    caughtUp: null,
    fellBehind: null,
    overflowed: null,
    reread: null,
    completed: null,
    revoked: null,
    failed: 'ended',
    left: 'ended',
  },
  // Its group may fall behind and catch up meanwhile; the replay reads those events anyway.
  replaying: {
    attached: null,
    pageRead: 'replaying',
    caughtUp: 'live',
    fellBehind: null,
    overflowed: 'replaying',
    reread: 'replaying',
    completed: 'ended',
    revoked: 'ended',
    failed: 'ended',
    left: 'ended',
  },
  // A subscription that joins while its group reads the log again has already replayed what the others missed, so "reread" changes nothing
  // for it.
  live: {
    attached: null,
    pageRead: null,
    caughtUp: null,
    fellBehind: 'replaying',
    overflowed: 'behind',
    reread: 'live',
    completed: 'ended',
    revoked: 'ended',
    failed: 'ended',
    left: 'ended',
  },
  // A subscription that is behind has an empty backlog, which cannot overflow.
  behind: {
    attached: null,
    pageRead: null,
    caughtUp: null,
    fellBehind: 'replaying',
    overflowed: null,
    reread: 'live',
    completed: 'ended',
    revoked: 'ended',
    failed: 'ended',
    left: 'ended',
  },
  // Only the first end counts; after it no event has an effect.
  ended: {
    attached: null,
    pageRead: null,
    caughtUp: null,
    fellBehind: null,
    overflowed: null,
    reread: null,
    completed: 'ended',
    revoked: 'ended',
    failed: 'ended',
    left: 'ended',
  },
} as const satisfies Record<State, Record<Event, State | null>>;

type State = 'opening' | 'replaying' | 'live' | 'behind' | 'ended';
type Event = 'attached' | 'pageRead' | 'caughtUp' | 'fellBehind' | 'overflowed' | 'reread' | 'completed' | 'revoked' | 'failed' | 'left';

/**
 * The next state.
 * @throws Error for an event that cannot happen in this state, which is a bug
 */
export const follow = (state: LifeState, event: LifeEvent): LifeState => {
  const next = LIFE[state][event];
  if (next === null) throw new Error(`A subscription that is ${state} cannot be told "${event}".`);
  return next;
};

/** A subscription, or a key of one, whose state follows the table. */
export class Life {
  #state: LifeState = 'opening';

  get state(): LifeState {
    return this.#state;
  }

  get left(): boolean {
    return this.#state === 'ended';
  }

  /**
   * Changes to the next state.
   * @returns whether it differs
   */
  pass(event: LifeEvent): boolean {
    const before = this.#state;
    this.#state = follow(before, event);
    return this.#state !== before;
  }
}

/** The event for an end with an error, or with null when the stream is complete. */
export const endBy = (error: unknown): LifeEvent => {
  if (error === null) return 'completed';
  return codeOf(error) === 'ACCESS_REVOKED' ? 'revoked' : 'failed';
};
