import type { Context, Services } from '../context.js';
import { rightsLog } from '../domains/account/topics.js';
import type { Tokens } from '../domains/account/tokens.js';
import { findViewer } from '../domains/account/viewer.js';
import { UNSEEN } from '../realtime/share.js';
import { Caller, type Claim } from './caller.js';

/** Lets people in, and follows the rights of everyone who is here with a token. */
export interface Rights {
  /** What a token says, before anything is looked up. @throws TokenError */
  readonly verify: (token: string) => Promise<Claim>;
  /**
   * Follows the user's rights, and only then looks up their session and who they are: whatever changes after that is heard of. The caller
   * must `leave` in the end.
   * @throws TokenError when the session is over; what ended the following of the rights, when that was meanwhile
   */
  readonly enter: (claim: Claim, options: { readonly client: Context['client']; readonly onEnd: (error: unknown) => void }) => Promise<Caller>;
}

/** One user with callers here, whose rights are followed once for all of them. */
interface Followed {
  readonly callers: Set<Caller>;
  /** Grows with everything that is heard of. */
  generation: number;
  checking: boolean;
  /** Nothing is heard of any more, for this error. */
  ended: { readonly error: unknown } | null;
  /** Callers that are here or about to come. */
  holders: number;
  ready: Promise<void>;
  unfollow: () => void;
}

export const createRights = (services: Services, tokens: Pick<Tokens, 'verify'>): Rights => {
  const users = new Map<string, Followed>();

  const changed = (followed: Followed): void => {
    followed.generation += 1;
    if (!followed.checking) void check(followed);
  };

  const check = async (followed: Followed): Promise<void> => {
    followed.checking = true;
    for (let checked = -1; checked !== followed.generation; ) {
      checked = followed.generation;
      await Promise.all([...followed.callers].map((caller) => caller.recheck()));
    }
    followed.checking = false;
  };

  const follow = (userId: string): Followed => {
    const followed: Followed = {
      callers: new Set(),
      generation: 0,
      checking: false,
      ended: null,
      holders: 0,
      ready: Promise.resolve(),
      unfollow: () => undefined,
    };
    const open = async (): Promise<void> => {
      const source = await services.hub.log(rightsLog, userId);
      const attached = source.attach(UNSEEN, () => ({
        audience: null,
        deliver: () => changed(followed),
        room: () => Promise.resolve(),
        // Something may have been missed: whoever comes back is looked at anew.
        end: (error) => {
          if (users.get(userId) === followed) users.delete(userId);
          followed.ended = { error };
          for (const caller of [...followed.callers]) caller.end(error);
        },
      }));
      followed.unfollow = () => attached.leave();
    };
    followed.ready = open();
    users.set(userId, followed);
    return followed;
  };

  return {
    verify: async (token) => {
      const { expiresAt, ...subject } = await tokens.verify(token);
      return { subject, expiresAt };
    },
    enter: async (claim, { client, onEnd }) => {
      const { userId } = claim.subject;
      const followed = users.get(userId) ?? follow(userId);
      followed.holders += 1;
      const release = (): void => {
        followed.holders -= 1;
        if (followed.holders > 0) return;
        if (users.get(userId) === followed) users.delete(userId);
        followed.unfollow();
      };
      try {
        await followed.ready;
        const seen = followed.generation;
        const viewer = await findViewer(services, claim.subject);
        // Whoever came in now would never hear of a revocation.
        if (followed.ended) throw followed.ended.error;
        const caller = new Caller({
          services,
          client,
          claim,
          viewer,
          findViewer: (subject) => findViewer(services, subject),
          generation: () => followed.generation,
          changed: () => changed(followed),
          onLeave: () => {
            followed.callers.delete(caller);
            release();
          },
          onEnd,
        });
        followed.callers.add(caller);
        if (followed.generation !== seen) changed(followed);
        return caller;
      } catch (error) {
        release();
        throw error;
      }
    },
  };
};
