import { GraphQLError } from 'graphql';
import { contextFor, type ConnectedClient, type Principal, type Services } from '../../context.js';
import { canonical } from '../../graphql/canonical.js';
import { createLimiter } from '../../db/limiter.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { rightsLog, type RightsEvents } from '../../domains/account/topics.js';
import { codeOf } from '../../errors.js';
import { encodeCursor } from '../../realtime/cursor.js';
import type { Sharing } from '../../realtime/share.js';
import type { LogEvent } from '../../realtime/topic.js';
import { createCondition } from '../../observability/condition.js';
import { reasonOf } from '../../observability/failures.js';
import { askPatiently, type Ask } from '../../graphql/topic-field.js';
import { AccessWatch } from './access-watch.js';
import { audienceIdOf, NO_CLIENT } from '../execution/audience.js';

/** Follows the rights of all signed-in clients of this process. */
export interface AccessWatcher {
  /**
   * Opens a watch for a principal. It notices every change of rights since the principal was looked up. The caller must end it with
   * `leave`.
   * @param onEnd called once when the client's access ends: with a TokenError, or with the error that made it impossible to find out
   * @throws the error that ended the subscription to the rights while the watch was being opened
   */
  readonly watch: (principal: Principal, onEnd: (error: unknown) => void) => Promise<AccessWatch>;
  /** The connections that a user has at this process. */
  readonly connectionsOf: (userId: string) => readonly ConnectedClient[];
}

/** A user with watches in this process. One subscription to the user's rights serves all of them. */
interface Followed {
  readonly watches: Set<AccessWatch>;
  /** Grows with every change of rights that is heard of. */
  generation: number;
  /** The seq of the latest change. */
  seq: number;
  checking: boolean;
  /** Set when the subscription to the rights has ended with this error. */
  ended: { readonly error: unknown } | null;
  /** The number of watches that are open or being opened. */
  holders: number;
  ready: Promise<void>;
  unfollow: () => void;
}

/**
 * How many checks of rights run at a time in the process: a change for a user with 500 streams must not take many connections of the pool.
 */
const QUESTIONS_AT_ONCE = 4;
/** The longest wait of a check for its turn, in milliseconds; then it counts as failed without an answer. */
const MAX_WAIT_MS = 60_000;
/** How long every check must have had an answer for that to count as over, in milliseconds: longer than one is retried. */
const SETTLE_MS = 15_000;

/** The sharing of the rights log: only the seq of each event is needed. */
const PLACES: Sharing<LogEvent<RightsEvents>, null, number> = {
  key: 'places',
  audienceId: () => '',
  render: ({ seq }) => Promise.resolve({ out: seq, personal: false }),
};

export const createAccessWatcher = (services: Services, { refreshPrincipals }: Pick<Authenticator, 'refreshPrincipals'>): AccessWatcher => {
  const users = new Map<string, Followed>();
  const takeTurn = createLimiter(QUESTIONS_AT_ONCE, MAX_WAIT_MS);
  const failing = createCondition({
    log: services.log,
    name: 'rights',
    began: 'rights cannot be checked again; clients that depend on them are told to reconnect',
    over: 'rights can be checked again',
  });
  const unanswered = (error: unknown): void => {
    failing.hold(reasonOf(error));
    failing.clear(SETTLE_MS);
  };

  const changed = (followed: Followed): void => {
    followed.generation += 1;
    if (!followed.checking) void check(followed);
  };

  const check = async (followed: Followed): Promise<void> => {
    followed.checking = true;
    for (let checked = -1; checked !== followed.generation;) {
      checked = followed.generation;
      await recheck(followed);
    }
    followed.checking = false;
  };

  /** Looks up all principals of a user in one statement, and then checks each distinct rule that their subscriptions depend on once. */
  const recheck = async ({ watches }: Followed): Promise<void> => {
    const before = [...watches].map((watch) => ({ watch, principal: watch.principal }));
    if (before.length === 0) return;
    try {
      const now = await askPatiently(() => takeTurn(() => refreshPrincipals(before.map(({ principal }) => principal))));
      for (const [index, { watch, principal }] of before.entries()) watch.update(principal, now[index] ?? null);
    } catch (error) {
      unanswered(error);
      for (const { watch } of before) watch.end(error);
      return;
    }
    const round = new Round(services, takeTurn, unanswered);
    for (const watch of [...watches]) void watch.askAgain(round.askerFor(watch));
    await round.asked();
  };

  const follow = (principal: Principal): Followed => {
    const { viewer, asOf } = principal;
    const followed: Followed = {
      watches: new Set(),
      generation: 0,
      seq: asOf.seq,
      checking: false,
      ended: null,
      holders: 0,
      ready: Promise.resolve(),
      unfollow: () => undefined,
    };
    const open = async (): Promise<void> => {
      const source = await services.hub.log(rightsLog, viewer.id, { after: encodeCursor(rightsLog.name, viewer.id, asOf) });
      const attached = source.attach(PLACES, () => ({
        audience: null,
        deliver: (places) => {
          followed.seq = Math.max(followed.seq, ...places);
          changed(followed);
        },
        room: () => Promise.resolve(),
        // Events may have been missed. Every watch ends, and a client that reconnects is looked up anew.
        end: (error) => {
          if (users.get(viewer.id) === followed) users.delete(viewer.id);
          followed.ended = { error };
          for (const watch of [...followed.watches]) watch.end(error);
        },
      }));
      followed.unfollow = () => attached.leave();
    };
    followed.ready = open();
    users.set(viewer.id, followed);
    return followed;
  };

  return {
    connectionsOf: (userId) => {
      const connections: ConnectedClient[] = [];
      for (const watch of users.get(userId)?.watches ?? []) {
        const connection = watch.connection();
        if (connection !== null) connections.push(connection);
      }
      return connections;
    },
    watch: async (principal, onEnd) => {
      const { id } = principal.viewer;
      const followed = users.get(id) ?? follow(principal);
      followed.holders += 1;
      const release = (): void => {
        followed.holders -= 1;
        if (followed.holders > 0) return;
        if (users.get(id) === followed) users.delete(id);
        followed.unfollow();
      };
      // The principal may have been looked up before a change that this process has already handled for the user's other watches.
      const catchUp = ({ asOf }: Principal): void => {
        if (asOf.seq < followed.seq) changed(followed);
      };
      try {
        await followed.ready;
        // Without the subscription to the rights, a new watch would never hear of a revocation.
        if (followed.ended) throw followed.ended.error;
        const watch = new AccessWatch({
          clock: services.clock,
          principal,
          generation: () => followed.generation,
          changed: () => changed(followed),
          catchUp,
          onLeave: () => {
            followed.watches.delete(watch);
            release();
          },
          onEnd,
        });
        followed.watches.add(watch);
        catchUp(principal);
        return watch;
      } catch (error) {
        release();
        throw error;
      }
    },
  };
};

/**
 * The checks of one round. Subscriptions with the same field, arguments and audience share one check. A check without an answer is retried
 * for a while, but the round does not wait for it. Example: the check whether A may still follow a room fails again and again; B, who is
 * removed from another room, is disconnected from it all the same.
 */
class Round {
  readonly #services: Services;
  readonly #takeTurn: ReturnType<typeof createLimiter>;
  readonly #unanswered: (error: unknown) => void;
  readonly #answers = new Map<object, Map<string, Promise<unknown>>>();
  readonly #firstTries: Promise<unknown>[] = [];

  /** @param unanswered called with the reason when a check has finally got no answer */
  constructor(services: Services, takeTurn: ReturnType<typeof createLimiter>, unanswered: (error: unknown) => void) {
    this.#services = services;
    this.#takeTurn = takeTurn;
    this.#unanswered = unanswered;
  }

  askerFor(watch: AccessWatch): Ask {
    return (field, args, rules) => {
      let answers = this.#answers.get(field);
      if (!answers) this.#answers.set(field, (answers = new Map<string, Promise<unknown>>()));
      const question = `${audienceIdOf(watch.principal)} ${canonical(args)}`;
      let answer = answers.get(question);
      if (!answer) {
        // The rules are checked with the principal of that moment, also in a retry, and without a client address, since the answer is for
        // all devices.
        answer = this.#try(async () => await rules(contextFor(this.#services, { principal: watch.principal, client: NO_CLIENT })));
        answers.set(question, answer);
      }
      // All checks of one field have answers of the same type.
      return answer as Promise<Awaited<ReturnType<typeof rules>>>;
    };
  }

  /** Resolves when every check has been tried once. */
  async asked(): Promise<void> {
    for (let known = -1; known !== this.#firstTries.length;) {
      known = this.#firstTries.length;
      await Promise.allSettled(this.#firstTries);
    }
  }

  #try<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    const ask = (): Promise<Answer> => this.#takeTurn(question);
    const first = ask();
    this.#firstTries.push(first);
    let tries = 0;
    const answer = askPatiently(() => ((tries += 1) === 1 ? first : ask()));
    answer.catch((error: unknown) => {
      if (!(error instanceof GraphQLError) || codeOf(error) !== 'UNAVAILABLE') return;
      this.#unanswered(error);
    });
    return answer;
  }
}
