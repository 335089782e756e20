import { randomUUID } from 'node:crypto';
import { coded } from '../errors.js';
import { Queue } from './queue.js';
import type { Member, Sharing } from './share.js';
import type { StateValue } from './topic.js';

/** The source of a subscription. It holds nothing until it is attached or iterated. */
export interface Source<Item> extends AsyncIterable<Item> {
  /** `log`: every item is delivered; `state`: only the newest of each key; `signal`: items may be dropped. */
  readonly kind: 'log' | 'state' | 'signal';
  /** Begins to deliver, to one member for each key. The returned object ends it; so does an `end` that the members get. */
  readonly attach: <Audience, Out>(sharing: Sharing<Item, Audience, Out>, memberOf: (key: string) => Member<Audience, Out>) => Attached;
}

export interface Attached {
  /** Ends the delivery. It may be called again. */
  leave(): void;
  /** Ends the delivery and passes the error to the members. */
  end(error: unknown): void;
}

export interface StateSource<Value extends StateValue> extends Source<Value> {
  /** Replaces the keys that are followed, in all attached subscriptions; a new key begins with its present value. */
  readonly follow: (keys: readonly string[]) => void;
}

/** The most items that wait for a reader inside the process. */
const MAX_ITERATED = 1_000;

type Attach<Item> = Source<Item>['attach'];

/** Creates a source. */
export const sourceOf = <Item>(kind: Source<Item>['kind'], attach: Attach<Item>): Source<Item> => ({
  kind,
  attach,
  [Symbol.asyncIterator]: () => iterate(kind, attach),
});

/** Iterates over a source without sharing, for readers inside the process. */
const iterate = <Item>(kind: Source<Item>['kind'], attach: Attach<Item>): AsyncIterableIterator<Item> => {
  const { results, memberOf } = createQueueing<null, Item>(kind, null, MAX_ITERATED);
  const sharing: Sharing<Item, null, Item> = {
    key: `unshared:${randomUUID()}`,
    audienceId: () => '',
    render: async (item) => await Promise.resolve({ out: item, personal: false }),
  };
  return readUntilLeft(results, () => attach(sharing, memberOf));
};

/**
 * An iterator over the results that members queue. It attaches at the first `next()`, and ends the delivery when the reader leaves,
 * whatever is pending, or when there is nothing more to read.
 */
const readUntilLeft = <Out>(results: Queue<Out>, attach: () => Attached): AsyncIterableIterator<Out> => {
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
 * Creates members that queue their results. Of a log all results are queued, and beyond `limit` the member ends with SLOW_CONSUMER; of a
 * state only the newest of each key is queued; of signals as many as there is room for.
 */
const createQueueing = <Audience, Out>(
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
