import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Context, Services } from '../context.js';
import { createQueueing, readUntilLeft, type Source } from '../realtime/hub.js';
import type { Sharing } from '../realtime/share.js';
import type { Mask } from './mask.js';
import { publicResult } from './responses.js';
import { selectionOf } from './selection.js';

/** One result, for however many subscribers: as it is, and as the bytes of its JSON, encoded once. */
export interface Encoded {
  readonly result: ExecutionResult;
  readonly bytes: Buffer;
}

/** Who is shown something. */
export type Audience = Pick<Context, 'viewer' | 'client'>;

export type Subscription = AsyncIterableIterator<ExecutionResult>;

/**
 * Takes the delivery of a subscription into its own hands: the iterator yields nothing, ends with the subscription, and leaving it ends the
 * delivery.
 */
export type Deliver = (source: Source<unknown>, sharing: Sharing<unknown, Audience, Encoded>, audience: Audience) => Subscription;

/** A context whose transport delivers by itself. */
interface Delivering extends Context {
  readonly deliver?: Deliver;
}

/**
 * Subscribes as graphql-js does, but executes each event once for all who select the same of it. An execution that asks who the viewer is
 * is thrown away; from then on that selection is executed for each viewer. Each event gets a context of its own, so no
 * loader answers with what it read for an earlier one, and the result of a log's event carries its cursor in
 * `extensions.cursor`.
 */
export const createSubscribe = (services: Services, mask: Mask) => {
  const { queueLimit } = services.config.realtime;
  return async (args: ExecutionArgs): Promise<ExecutionResult | Subscription> => {
    const source = (await createSourceEventStream(args)) as ExecutionResult | Source<unknown>;
    if (!('attach' in source)) return source;
    const { viewer, client, deliver } = args.contextValue as Delivering;
    const audience: Audience = { viewer, client };
    const sharing = sharingOf(args, services, mask);
    if (deliver) return deliver(source, sharing, audience);
    const { results, memberOf } = createQueueing<Audience, Encoded>(source.kind, audience, queueLimit);
    return mapIterator(
      readUntilLeft(results, () => source.attach(sharing, memberOf)),
      ({ result }) => result,
    );
  };
};

const sharingOf = (args: ExecutionArgs, services: Services, mask: Mask): Sharing<unknown, Audience, Encoded> => {
  const { schema, document, operationName, variableValues } = args;
  return {
    key: selectionOf(document, operationName, variableValues ?? {}),
    audienceId: ({ viewer, client }) => JSON.stringify([viewer?.id, viewer?.sessionId, viewer?.role, client.ip, client.userAgent]),
    render: async (item, audience) => {
      const trap = { touched: false };
      const contextValue: Context = audience === null ? contextForEveryone(services, trap) : { ...services, ...audience };
      const result = await execute({ schema, document, operationName, variableValues, rootValue: item, contextValue });
      return { out: encode(result, item, mask), personal: trap.touched };
    },
  };
};

/** A context in which asking who the viewer is fails, and is remembered. */
const contextForEveryone = (services: Services, trap: { touched: boolean }): Context => {
  const touch = (): never => {
    trap.touched = true;
    throw new Error('This result is for everyone; nobody in particular is its viewer.');
  };
  return Object.defineProperties({ ...services } as Context, {
    viewer: { get: touch, enumerable: true },
    client: { get: touch, enumerable: true },
  });
};

const encode = ({ data, errors, extensions }: ExecutionResult, item: unknown, mask: Mask): Encoded => {
  const cursor = cursorOf(item);
  const result: ExecutionResult = {
    ...(errors ? { errors: errors.map(mask) } : {}),
    data: data ?? null,
    ...(cursor === null ? {} : { extensions: { ...extensions, cursor } }),
  };
  let bytes: Buffer | null = null;
  return {
    result,
    get bytes() {
      return (bytes ??= Buffer.from(JSON.stringify(publicResult(result))));
    },
  };
};

const cursorOf = (item: unknown): string | null =>
  typeof item === 'object' && item !== null && 'cursor' in item && typeof item.cursor === 'string' ? item.cursor : null;

const mapIterator = <From, To>(source: AsyncIterableIterator<From>, map: (value: From) => To): AsyncIterableIterator<To> => {
  const iterator: AsyncIterableIterator<To> = {
    next: async () => {
      const result = await source.next();
      return result.done === true ? { done: true, value: undefined } : { done: false, value: map(result.value) };
    },
    return: async () => {
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};
