import { randomUUID } from 'node:crypto';
import { coded } from '../errors.js';
import { Queue } from './queue.js';
import type { Member, Sharing } from './share.js';
import type { StateValue } from './topic.js';

/** What one subscription follows. Nothing is held for it before it is attached or iterated. */
export interface Source<Item> extends AsyncIterable<Item> {
  /** `log`: each item counts; `state`: the newest of each key does; `signal`: none does. */
  readonly kind: 'log' | 'state' | 'signal';
  /**
   * Begins to deliver, to one member for each key. What it returns ends it, at once and for good; so does an end that the member is
   * told of.
   */
  readonly attach: <Audience, Out>(sharing: Sharing<Item, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>) => Attached;
}

export interface Attached {
  /** Idempotent. */
  leave(): void;
  /** Leaves, and tells the members. */
  end(error: unknown): void;
}

export interface StateSource<Value extends StateValue> extends Source<Value> {
  /** Follows these keys from now on, in all that is attached: those that are new by their present value first. */
  readonly follow: (keys: readonly string[]) => void;
}

type Attach<Item> = Source<Item>['attach'];

/** @param queueLimit items that an iterating reader may have waiting */
export const sourceOf = <Item>(
  kind: Source<Item>['kind'],
  { queueLimit }: { readonly queueLimit: number },
  attach: Attach<Item>,
): Source<Item> => ({
  kind,
  attach,
  [Symbol.asyncIterator]: () => iterate(kind, attach, queueLimit),
});

/** Reads a source without sharing: for readers inside the process. */
const iterate = <Item>(kind: Source<Item>['kind'], attach: Attach<Item>, limit: number): AsyncIterableIterator<Item> => {
  const { results, memberOf } = createQueueing<null, Item>(kind, null, limit);
  const sharing: Sharing<Item, null, Item> = {
    key: `unshared:${randomUUID()}`,
    audienceId: () => '',
    render: async (item) => await Promise.resolve({ out: item, personal: false }),
  };
  return readUntilLeft(results, () => attach(sharing, memberOf));
};

/**
 * An iterator over what members put into `results`, which attaches at the first `next()` and leaves at once when its reader does, whatever is
 * pending, and when there is nothing more to read.
 */
export const readUntilLeft = <Out>(results: Queue<Out>, attach: () => Attached): AsyncIterableIterator<Out> => {
  let attached: Attached | null = null;
  const iterator: AsyncIterableIterator<Out> = {
    next: async () => {
      attached ??= attach();
      let over = true;
      try {
        const result = await results.next();
        over = result.done === true;
        return result;
      } finally {
        if (over) attached.leave();
      }
    },
    return: async () => {
      attached?.leave();
      attached = { leave: () => undefined, end: () => undefined };
      return await results.return();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};

/**
 * Members that put what they are given into a queue: of a log everything, until it is more than `limit` and they end with
 * SLOW_CONSUMER; of a state only the newest of each key that has not been taken; of signals what there is room for.
 */
export const createQueueing = <Audience, Out>(
  kind: Source<unknown>['kind'],
  audience: Audience,
  limit: number,
): { readonly results: Queue<Out>; readonly memberOf: (key: string) => Member<Audience, Out> } => {
  const results = new Queue<Out>();
  const end = (error: unknown): void => results.end(error);
  const room = (): Promise<void> => results.below(limit / 2);
  const memberOf = (): Member<Audience, Out> => {
    if (kind === 'state') {
      let newest: { value: Out } | null = null;
      const take = (): Out => {
        const { value } = newest ?? ({} as never);
        newest = null;
        return value;
      };
      return {
        audience,
        end,
        room,
        deliver: (given) => {
          const value = given.at(-1) as Out;
          if (newest === null) {
            newest = { value };
            results.pushLater(take);
          } else newest.value = value;
        },
      };
    }
    return {
      audience,
      end,
      room,
      deliver: (given) => {
        for (const value of given) {
          if (results.size < limit) results.push(value);
          else if (kind === 'log') return results.end(slowConsumer());
        }
      },
    };
  };
  return { results, memberOf };
};

export const slowConsumer = (): Error =>
  coded('SLOW_CONSUMER', 'This subscription fell too far behind. Subscribe again after the last cursor you have seen.');
