import { conversationLog } from '../../src/domains/conversations/topics.js';
import { Following } from '../../src/realtime/log-subscription.js';
import type { End } from '../../src/realtime/topic.js';
import type { Member, Sharing } from '../../src/realtime/share.js';
import type { TestApp } from '../kit/app.js';

/** One who follows the messages of a room past every transport, and is delivered seqs. */
export interface Followed {
  readonly seqs: readonly number[];
  /** What it was told at its end: errors, or null. */
  readonly ends: readonly unknown[];
  readonly attached: Following<unknown>;
}

export interface FollowOptions {
  /** Those with the same one are a group. */
  readonly selection: string;
  readonly after?: string;
  readonly render?: (seq: number) => Promise<void>;
  readonly room?: () => Promise<void>;
  /** How many of the results that come at once it takes; all, unless said otherwise. */
  readonly takes?: (results: readonly number[]) => number;
  readonly endsFor?: (seq: number) => End | null;
  readonly userId?: string;
  readonly owner?: string;
  /** Called between the look at the log's head and the beginning. */
  readonly beforeAttach?: () => unknown;
}

export const follow = async (
  { services }: TestApp,
  key: string,
  { selection, after, render, room = () => Promise.resolve(), takes, endsFor, userId, owner, beforeAttach }: FollowOptions,
): Promise<Followed> => {
  const seqs: number[] = [];
  const ends: unknown[] = [];
  const member: Member<null, number> = {
    audience: null,
    deliver: (results) => void seqs.push(...results),
    ...(takes === undefined
      ? {}
      : {
          offer: (results) => {
            const taken = takes(results);
            seqs.push(...results.slice(0, taken));
            return taken;
          },
        }),
    end: (error) => void ends.push(error),
    room,
  };
  const sharing: Sharing<{ readonly seq: number }, null, number> = {
    key: selection,
    audienceId: () => '',
    render: async ({ seq }) => {
      await render?.(seq);
      return { out: seq, personal: false };
    },
    userIdOf: () => userId ?? null,
    ...(owner === undefined ? {} : { ownerOf: () => owner }),
  };
  const source = await services.hub.log(conversationLog, key, {
    kinds: ['MessageAdded'],
    after,
    ...(endsFor ? { endsFor: ({ seq }: { readonly seq: number }) => endsFor(seq) } : {}),
  });
  await beforeAttach?.();
  const attached = source.attach(sharing, () => member);
  if (!(attached instanceof Following)) throw new Error('The source of a log has another kind of subscription.');
  return { seqs, ends, attached };
};
