import { createSourceEventStream, execute, GraphQLError, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { holderOf } from '../../access/address.js';
import { freshContext, type Context, type Principal, type Services } from '../../context.js';
import { insist, mayPass } from '../../realtime/patience.js';
import { LIGHT_WEIGHT } from '../../realtime/group.js';
import type { Sharing } from '../../realtime/share.js';
import type { AuthorizedSource } from '../../graphql/topic-field.js';
import type { AccessWatch } from '../rights/access-watch.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import { audienceIdOf, contextForAudience, contextForEveryone, type Audience } from './audience.js';
import { isOfArguments, type Mask } from './mask.js';
import { costOf } from './order.js';
import { publicResult } from './public-result.js';
import { createSelectionOf } from './selection.js';

/** One result, for however many subscribers: as it is, and as the bytes of its JSON, once somebody has asked for them. */
export interface Encoded {
  readonly result: ExecutionResult;
  bytes: Buffer | null;
}

/** The bytes of a result's JSON, encoded once. */
export const bytesOf = (encoded: Encoded): Buffer => (encoded.bytes ??= Buffer.from(JSON.stringify(publicResult(encoded.result))));

/**
 * A subscription that was found and let in, for whoever delivers it: a socket attaches to it, a stream of server-sent events reads it. Nothing is
 * followed for it before that.
 */
export interface FoundSubscription {
  readonly source: AuthorizedSource;
  /** How its events become results. */
  readonly sharing: Sharing<unknown, Audience, Encoded>;
  readonly audience: Audience;
  /** What watches over its rights, once it is told to; null where nobody has said who they are. */
  readonly watch: AccessWatch | null;
  /** How much the watch had heard of when the rules were asked. */
  readonly generation: number;
  /** Lets go of what was opened for this subscription alone; to be called in the end, also by who does not deliver it. */
  readonly leave: () => void;
}

export const isFound = (result: object): result is FoundSubscription => 'sharing' in result;

/** What the transports add to a context. */
export interface TransportContext {
  /** The watch over whoever is at the other end of a socket. A stream of server-sent events gets one of its own, while it lasts. */
  readonly watch?: AccessWatch | null;
}

/**
 * Finds what a subscription follows, as graphql-js does, but has each event executed once for all who select the same of it. An execution that
 * asks who the viewer is is thrown away; from then on that selection is executed for each viewer. Each event gets a context of its own, so no
 * loader answers with what it read for an earlier one, and the result of a log's event carries its cursor in
 * `extensions.cursor`.
 */
export const createSubscribe = (services: Services, mask: Mask, watcher: AccessWatcher) => {
  const selectionOf = createSelectionOf();
  const sharings: Sharings = new WeakMap();

  /** The watch over a single stream, which ends with what ends the watch. */
  const open = async (principal: Principal): Promise<AccessWatch> => {
    const watch: AccessWatch = await watcher.watch(principal, (error) => watch.revokeAll(error));
    return watch;
  };

  return async (args: ExecutionArgs): Promise<ExecutionResult | FoundSubscription> => {
    const context = args.contextValue as Context & TransportContext;
    let leave = (): void => undefined;
    try {
      let watch = context.watch ?? null;
      if (context.watch === undefined && context.principal !== null) {
        watch = await open(context.principal);
        leave = () => watch?.leave();
      }
      // Before the field's rules are asked, so that nothing is missed between these and the watch.
      const generation = watch?.generation ?? 0;
      const principal = watch?.principal ?? null;
      const contextValue = freshContext(context, { principal, viewer: principal?.viewer ?? null });
      const source = (await createSourceEventStream({ ...args, contextValue })) as ExecutionResult | AuthorizedSource;
      if (!('attach' in source)) {
        leave();
        return source;
      }
      const sharing = sharingOf(args, selectionOf(args), source.visible, services, mask, sharings);
      return { source, sharing, audience: watch ?? { principal: null, client: context.client }, watch, generation, leave };
    } catch (error) {
      leave();
      return { errors: [mask(error)] };
    }
  };
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
  // What one event of it costs, as an operation's cost is counted.
  const weight = costOf(args)?.complexity ?? 1;
  // One heavy selection must leave connections to all others, whatever it asks for at once.
  const shown = weight > LIGHT_WEIGHT ? { ...services, db: { ...services.db, prisma: services.db.bulk } } : services;
  const sharing: Sharing<unknown, Audience, Encoded> = {
    key,
    weight,
    ownerOf: ({ principal, client }) => principal?.viewer.id ?? holderOf(client?.ip ?? ''),
    userIdOf: ({ principal }) => principal?.viewer.id ?? null,
    visible: visible && ((item, { principal }) => visible(principal?.viewer ?? null, item)),
    audienceId: ({ principal }) => audienceIdOf(principal),
    // An event comes once: half of one must not be what a client goes on from.
    render: (item, audience) =>
      insist(async () => {
        const trap = { touched: false };
        const contextValue =
          audience === null ? contextForEveryone(shown, () => (trap.touched = true)) : contextForAudience(shown, audience.principal);
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
  // Arguments that were refused will be refused again, wherever they stand.
  const others = errors.filter((error) => !isOfArguments(error));
  const failure = others.find(mayPass) ?? (data === null || data === undefined ? others[0] : undefined);
  if (failure === undefined) return;
  const cause = failure.originalError ?? failure;
  throw new Error(`${failure.path?.join('.') ?? ''}: ${cause.message}`, { cause });
};

/** By document, which the parser's cache makes the same object for the same text. */
type Sharings = WeakMap<DocumentNode, Map<string, Sharing<unknown, Audience, Encoded>>>;
const MAX_SHARINGS = 100;

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
const withoutLocations = ({ message, path, extensions }: GraphQLError): GraphQLError =>
  new GraphQLError(message, { path: path ?? null, extensions });

const cursorOf = (item: unknown): string | null =>
  typeof item === 'object' && item !== null && 'cursor' in item && typeof item.cursor === 'string' ? item.cursor : null;
