import { complexityFromQuery } from '@pothos/plugin-complexity';
import { createSourceEventStream, execute, getOperationAST, GraphQLError, Kind, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { holderOf } from '../address.js';
import type { Context, Services } from '../context.js';
import { createQueueing, readUntilLeft } from '../realtime/source.js';
import { insist, mayPass } from '../realtime/patience.js';
import { LIGHT_WEIGHT } from '../realtime/group.js';
import type { Sharing } from '../realtime/share.js';
import type { AuthorizedSource } from '../topic-field.js';
import type { Caller, Revocable } from './caller.js';
import type { Mask } from './mask.js';
import { publicResult } from './responses.js';
import type { Rights } from './rights.js';
import { createSelectionOf } from './selection.js';

/** One result, for however many subscribers: as it is, and as the bytes of its JSON, once somebody has asked for them. */
export interface Encoded {
  readonly result: ExecutionResult;
  bytes: Buffer | null;
}

/** The bytes of a result's JSON, encoded once. */
export const bytesOf = (encoded: Encoded): Buffer => (encoded.bytes ??= Buffer.from(JSON.stringify(publicResult(encoded.result))));

/** Who is shown something; of a {@link Caller}, as they are at that moment. */
export type Audience = Pick<Context, 'viewer' | 'client'>;

/** What is to be delivered, how it becomes results, and to whom. */
export interface Delivery {
  readonly source: AuthorizedSource;
  readonly sharing: Sharing<unknown, Audience, Encoded>;
  readonly audience: Audience;
  /** Watches over it. */
  readonly caller: Caller | null;
}

/** Takes the delivery of a subscription into its own hands. */
export type Deliver = (delivery: Delivery) => Revocable;

/** The result of a subscribe whose delivery was taken. */
export const TAKEN: ExecutionResult = Object.freeze({ data: null });

/** What the transports add to a context. */
export interface TransportContext {
  /** Whoever is at the other end of a socket. A stream of server-sent events makes one of its own, while it lasts. */
  readonly caller?: Caller | null;
  /** When the token of a request expires; null without one. */
  readonly tokenExpiresAt?: Date | null;
  /** Set by a transport that delivers by itself. */
  readonly deliver?: Deliver;
}

/**
 * Subscribes as graphql-js does, but executes each event once for all who select the same of it. An execution that asks who the viewer is
 * is thrown away; from then on that selection is executed for each viewer. Each event gets a context of its own, so no
 * loader answers with what it read for an earlier one, and the result of a log's event carries its cursor in
 * `extensions.cursor`.
 */
export const createSubscribe = (services: Services, mask: Mask, rights: Rights) => {
  const { queueLimit } = services.config.realtime;
  const selectionOf = createSelectionOf();
  const sharings: Sharings = new WeakMap();

  /** The caller of a single stream: it ends with what ends the caller. */
  const enter = async ({ viewer, client, tokenExpiresAt }: Context & TransportContext): Promise<Caller | null> => {
    if (viewer === null || !tokenExpiresAt) return null;
    const claim = { subject: { userId: viewer.id, sessionId: viewer.sessionId }, expiresAt: tokenExpiresAt };
    const caller: Caller = await rights.enter(claim, { client, onEnd: (error) => caller.revokeAll(error) });
    return caller;
  };

  return async (args: ExecutionArgs): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> => {
    const context = args.contextValue as Context & TransportContext;
    const { client, deliver } = context;
    let caller: Caller | null = null;
    let leave = (): void => undefined;
    try {
      caller = context.caller === undefined ? await enter(context) : context.caller;
      if (context.caller === undefined) leave = () => caller?.leave();
      // Before the field's rules are asked, so that nothing is missed between these and the watch.
      const generation = caller?.generation ?? 0;
      const viewer = caller?.viewer ?? null;
      const source = (await createSourceEventStream({ ...args, contextValue: { ...context, viewer } })) as ExecutionResult | AuthorizedSource;
      if (!('attach' in source)) {
        leave();
        return source;
      }
      const audience: Audience = caller ?? { viewer, client };
      const sharing = sharingOf(args, selectionOf(args), source.visible, services, mask, sharings);
      if (deliver) {
        const subscription = deliver({ source, sharing, audience, caller });
        caller?.watch(subscription, generation);
        return TAKEN;
      }
      const subscription = collect(source, sharing, audience);
      return caller ? caller.guard(subscription, source.reauthorize, generation, leave) : subscription;
    } catch (error) {
      leave();
      return { errors: [mask(error)] };
    }
  };

  /** Delivers to whoever reads the iterator. */
  function collect(source: AuthorizedSource, sharing: Sharing<unknown, Audience, Encoded>, audience: Audience): AsyncIterableIterator<ExecutionResult> {
    const { results, memberOf } = createQueueing<Audience, Encoded>(source.kind, audience, queueLimit);
    return mapIterator(
      readUntilLeft(results, () => source.attach(sharing, memberOf)),
      ({ result }) => result,
    );
  }
};

/**
 * How a subscription's events become results: the same object for all who send the same operation and select the same by it. The variables that
 * are not in the selection only say which events.
 */
const sharingOf = (
  args: ExecutionArgs,
  key: string,
  visible: AuthorizedSource['visible'],
  services: Services,
  mask: Mask,
  known: Sharings,
): Sharing<unknown, Audience, Encoded> => {
  const { schema, document, operationName, variableValues } = args;
  let sharings = known.get(document);
  if (!sharings) known.set(document, (sharings = new Map<string, Sharing<unknown, Audience, Encoded>>()));
  const id = `${operationName ?? ''}\0${key}`;
  const before = sharings.get(id);
  if (before) return before;
  const weight = weightOf(args);
  // One heavy selection must leave connections to all others, whatever it asks for at once.
  const shown = weight > LIGHT_WEIGHT ? { ...services, db: { ...services.db, prisma: services.db.modest } } : services;
  const sharing: Sharing<unknown, Audience, Encoded> = {
    key,
    weight,
    ownerOf: ({ viewer, client }) => viewer?.id ?? holderOf(client.ip ?? ''),
    userIdOf: ({ viewer }) => viewer?.id ?? null,
    visible: visible && ((item, { viewer }) => visible(viewer, item)),
    audienceId: ({ viewer, client }) => JSON.stringify([viewer?.id, viewer?.sessionId, viewer?.role, client.ip, client.userAgent]),
    // An event comes once: half of one must not be what a client goes on from.
    render: (item, audience) =>
      insist(async () => {
        const trap = { touched: false };
        const contextValue: Context = audience === null ? contextForEveryone(shown, trap) : { ...shown, viewer: audience.viewer, client: audience.client };
        const result = await execute({ schema, document, operationName, variableValues, rootValue: item, contextValue });
        // Thrown away, so its errors are no news to anyone: they came from the trap.
        if (trap.touched) return { out: encode({ data: null }, item, mask), personal: true };
        assertResult(result);
        return { out: encode(result, item, mask), personal: false };
      }),
  };
  if (sharings.size >= MAX_SHARINGS) sharings.clear();
  sharings.set(id, sharing);
  return sharing;
};

/**
 * Errors with codes of ours, in places that may be null, belong to a result. All else is a failure of the moment: a database that is away, a
 * column that changes just then, a mistake of ours that the next version mends.
 */
const assertResult = ({ data, errors = [] }: ExecutionResult): void => {
  const failure = errors.find(mayPass) ?? (data === null || data === undefined ? errors[0] : undefined);
  if (failure === undefined) return;
  const cause = failure.originalError ?? failure;
  throw new Error(`${failure.path?.join('.') ?? ''}: ${cause.message}`, { cause });
};

/** What one event of a subscription costs, as an operation's cost is counted. */
const weightOf = ({ schema, document, operationName, variableValues }: ExecutionArgs): number => {
  const operation = getOperationAST(document, operationName);
  if (!operation) return 1;
  const definitions = [operation, ...document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)];
  return complexityFromQuery({ kind: Kind.DOCUMENT, definitions }, { schema, variables: { ...variableValues } }).complexity;
};

/** By document, which the parser's cache makes the same object for the same text. */
type Sharings = WeakMap<DocumentNode, Map<string, Sharing<unknown, Audience, Encoded>>>;
const MAX_SHARINGS = 100;

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
    ...(errors ? { errors: errors.map((error) => withoutLocations(mask(error))) } : {}),
    data: data ?? null,
    ...(cursor === null ? {} : { extensions: { ...extensions, cursor } }),
  };
  return { result, bytes: null };
};

/** Those who share a result have not written the same text, so that lines and columns of one of them mean nothing to the others. */
const withoutLocations = ({ message, path, extensions }: GraphQLError): GraphQLError => new GraphQLError(message, { path: path ?? null, extensions });

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
