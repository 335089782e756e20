import { GraphQLError } from 'graphql';
import { contextFor, type Principal, type Services } from '../../context.js';
import { canonical } from '../../graphql/canonical.js';
import { createLimiter } from '../../db/limiter.js';
import type { Authenticator } from '../../domains/account/authenticate.js';
import { rightsLog, type RightsEvents } from '../../domains/account/topics.js';
import { codeOf } from '../../errors.js';
import { encodeCursor } from '../../realtime/cursor.js';
import type { Sharing } from '../../realtime/share.js';
import type { LogEvent } from '../../realtime/topic.js';
import { askPatiently, type Ask } from '../../graphql/topic-field.js';
import { AccessWatch } from './access-watch.js';
import { audienceIdOf, NOWHERE } from '../execution/audience.js';

/** Follows the rights of everyone who is here with a credential. */
export interface AccessWatcher {
  /**
   * Watches over a principal: whatever has happened to their rights since they were looked up is heard of. The watch must be left in the end.
   * @param onEnd called once, when they may not stay: with a TokenError, or with what kept us from finding out
   * @throws what ended the following of the rights, when that was meanwhile
   */
  readonly watch: (principal: Principal, onEnd: (error: unknown) => void) => Promise<AccessWatch>;
}

/** One user with watches here, whose rights are followed once for all of them. */
interface Followed {
  readonly watches: Set<AccessWatch>;
  /** Grows with everything that is heard of. */
  generation: number;
  /** The seq of what was heard of last. */
  seq: number;
  checking: boolean;
  /** Nothing is heard of any more, for this error. */
  ended: { readonly error: unknown } | null;
  /** Watches that are here or about to come. */
  holders: number;
  ready: Promise<void>;
  unfollow: () => void;
}

/** Questions of rights that are asked at once, in the whole process: what changes for a user with 500 streams takes few of the database's connections. */
const QUESTIONS_AT_ONCE = 4;
/** How long a question may wait for its turn, in milliseconds; then it counts as one that failed for lack of an answer. */
const MAX_WAIT_MS = 60_000;

/** Of what happens to somebody's rights, only how far it has come. */
const PLACES: Sharing<LogEvent<RightsEvents>, null, number> = {
  key: 'places',
  audienceId: () => '',
  render: ({ seq }) => Promise.resolve({ out: seq, personal: false }),
};

export const createAccessWatcher = (services: Services, { lookAgain }: Pick<Authenticator, 'lookAgain'>): AccessWatcher => {
  const users = new Map<string, Followed>();
  const takeTurn = createLimiter(QUESTIONS_AT_ONCE, MAX_WAIT_MS);

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

  /** Asks who a user's principals are now, at once for all, and then every question that their subscriptions depend on, each once. */
  const recheck = async ({ watches }: Followed): Promise<void> => {
    const before = [...watches].map((watch) => ({ watch, principal: watch.principal }));
    if (before.length === 0) return;
    try {
      const now = await askPatiently(() => takeTurn(() => lookAgain(before.map(({ principal }) => principal))));
      for (const [index, { watch, principal }] of before.entries()) watch.update(principal, now[index] ?? null);
    } catch (error) {
      services.log.warn({ err: String(error) }, 'nobody could say who is here; they are told to come back');
      for (const { watch } of before) watch.end(error);
      return;
    }
    const round = new Round(services, takeTurn);
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
        // Something may have been missed: whoever comes back is looked at anew.
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
      // They were looked up before something was heard of that others of this user know by now.
      const catchUp = ({ asOf }: Principal): void => {
        if (asOf.seq < followed.seq) changed(followed);
      };
      try {
        await followed.ready;
        // Whoever came in now would never hear of a revocation.
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
 * The questions of one round. Subscriptions to the same, by principals who may do the same, wait for one answer. A question that finds no answer
 * is asked again for a while, but the round does not wait for that: "may A still follow this room" fails again and again, and B is removed from
 * theirs all the same.
 */
class Round {
  readonly #services: Services;
  readonly #takeTurn: ReturnType<typeof createLimiter>;
  readonly #answers = new Map<object, Map<string, Promise<unknown>>>();
  readonly #firstTries: Promise<unknown>[] = [];

  constructor(services: Services, takeTurn: ReturnType<typeof createLimiter>) {
    this.#services = services;
    this.#takeTurn = takeTurn;
  }

  askerFor(watch: AccessWatch): Ask {
    return (field, args, rules) => {
      let answers = this.#answers.get(field);
      if (!answers) this.#answers.set(field, (answers = new Map<string, Promise<unknown>>()));
      const question = `${audienceIdOf(watch.principal)} ${canonical(args)}`;
      let answer = answers.get(question);
      if (!answer) {
        // As who they are at that moment, however often it is tried, and from nowhere: the answer is for all devices.
        answer = this.#try(async () => await rules(contextFor(this.#services, { principal: watch.principal, client: NOWHERE })));
        answers.set(question, answer);
      }
      // The rules of one field give answers of one type.
      return answer as Promise<Awaited<ReturnType<typeof rules>>>;
    };
  }

  /** Fulfilled when each question has been asked once. */
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
      this.#services.log.warn(
        { err: String(error.originalError ?? error) },
        'rights could not be asked about again; who follows by them is told to come back',
      );
    });
    return answer;
  }
}
