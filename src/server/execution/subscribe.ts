import { createSourceEventStream, GraphQLError, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { addressKey } from '../../access/address.js';
import type { CostBudgets } from '../../access/cost-budgets.js';
import { contextFor, type Context, type Principal, type Services } from '../../context.js';
import { createLimiter } from '../../db/limiter.js';
import { insist, mayPass } from '../../realtime/patience.js';
import { LIGHT_WEIGHT } from '../../realtime/group.js';
import type { Sharing } from '../../realtime/share.js';
import { coded } from '../../errors.js';
import type { AuthorizedSource } from '../../graphql/topic-field.js';
import type { AccessWatch } from '../rights/access-watch.js';
import type { AccessWatcher } from '../rights/access-watcher.js';
import { audienceIdOf, contextForAudience, contextForEveryone, type Audience } from './audience.js';
import type { Executor } from './executor/executor.js';
import { isArgumentError, type Mask } from './mask.js';
import type { CostOf } from './cost.js';
import { publicResult } from './public-result.js';
import { ofSize } from './result-size.js';
import { createSelectionOf } from './selection.js';
import { declaredVariables } from './variables.js';

/** A result that any number of subscribers share: the object, and the bytes of its JSON once they are needed. */
export interface Encoded {
  readonly result: ExecutionResult;
  bytes: Buffer | null;
  /** The same as a server-sent event. */
  event: Buffer | null;
}

/** The bytes of a result's JSON, encoded once for all subscribers. */
export const bytesOf = (encoded: Encoded): Buffer => (encoded.bytes ??= Buffer.from(JSON.stringify(publicResult(encoded.result))));

/**
 * An authorised subscription. A WebSocket attaches to it, a stream of server-sent events reads it; nothing is followed for it before that.
 */
export interface FoundSubscription {
  readonly source: AuthorizedSource;
  /** How events are turned into results. */
  readonly sharing: Sharing<unknown, Audience, Encoded>;
  readonly audience: Audience;
  /** The access watch that ends the subscription when its rights are withdrawn; null for an anonymous viewer. */
  readonly watch: AccessWatch | null;
  /** The generation of the watch when the rules were checked. */
  readonly generation: number;
  /** Releases what was opened for this subscription alone. It must be called in any case, also when nothing is delivered. */
  readonly leave: () => void;
}

export const isFound = (result: object): result is FoundSubscription => 'sharing' in result;

/** What the transports add to the context. */
export interface TransportContext {
  /** The access watch of a WebSocket. A stream of server-sent events gets one of its own for as long as it lasts. */
  readonly watch?: AccessWatch | null;
}

/**
 * Opens subscriptions as graphql-js does, but executes each event once for all subscribers with the same selection. When such an execution
 * reads the viewer, its result is thrown away, and from then on that selection is executed for each viewer. Each event gets a fresh
 * context, so that no loader answers with rows that it has read for an earlier event. The result of a log's event carries its cursor in
 * `extensions.cursor`.
 */
export const createSubscribe = (
  execute: Executor,
  services: Services,
  mask: Mask,
  watcher: AccessWatcher,
  costOf: CostOf,
  budgets: CostBudgets,
) => {
  const selectionOf = createSelectionOf();
  const turns = createLimiter(PERSONAL_AT_ONCE, TURN_MS);
  const sharings: Sharings = new WeakMap();

  /** Opens an access watch for a single stream; the end of the watch ends the stream. */
  const open = async (principal: Principal): Promise<AccessWatch> => {
    const watch: AccessWatch = await watcher.watch(principal, (error) => watch.revokeAll(error));
    return watch;
  };

  return async (given: ExecutionArgs): Promise<ExecutionResult | FoundSubscription> => {
    const context = given.contextValue as Context & TransportContext;
    const args: ExecutionArgs = { ...given, variableValues: declaredVariables(given) };
    let leave = (): void => undefined;
    try {
      assertKeepable(args);
      let watch = context.watch ?? null;
      if (context.watch === undefined && context.principal !== null) {
        watch = await open(context.principal);
        leave = () => watch?.leave();
      }
      // The generation is read before the field's rules are checked, so that a change of rights between the check and the watch is noticed.
      const generation = watch?.generation ?? 0;
      const principal = watch?.principal ?? null;
      // A state subscription keeps this context, which therefore has nothing of the request: Yoga adds its parameters to the one given here.
      const { client, lastEventId = null, isGone } = context;
      const contextValue = contextFor(services, { principal, client, lastEventId, isGone });
      const source = (await createSourceEventStream({ ...args, contextValue })) as ExecutionResult | AuthorizedSource;
      if (!('attach' in source)) {
        leave();
        return source;
      }
      const sharing = sharingOf(execute, args, selectionOf(args), source.visible, services, mask, costOf, budgets, turns, sharings);
      return { source, sharing, audience: watch ?? { principal: null, client: context.client }, watch, generation, leave };
    } catch (error) {
      leave();
      return { errors: [mask(error)] };
    }
  };
};

/** The most characters that the document and the variables of a subscription may have together: they are kept for as long as it lasts. */
const MAX_KEPT_LENGTH = 65_536;

/** @throws OPERATION_TOO_COMPLEX when the texts of a subscription are too long to be kept */
const assertKeepable = ({ document, variableValues }: ExecutionArgs): void => {
  const length = (document.loc?.source.body.length ?? 0) + JSON.stringify(variableValues).length;
  if (length > MAX_KEPT_LENGTH) {
    const words = `The document and the variables of a subscription may have ${MAX_KEPT_LENGTH} characters together.`;
    throw coded('OPERATION_TOO_COMPLEX', words, { limit: MAX_KEPT_LENGTH });
  }
};

/**
 * How the events of a subscription are turned into results. Subscriptions with the same operation and the same selection key get the same
 * object. Variables outside the selection only select the events.
 */
const sharingOf = (
  execute: Executor,
  args: ExecutionArgs,
  key: string,
  visible: AuthorizedSource['visible'],
  services: Services,
  mask: Mask,
  costOf: CostOf,
  budgets: CostBudgets,
  turns: Turns,
  known: Sharings,
): Sharing<unknown, Audience, Encoded> => {
  const { document, operationName, variableValues } = args;
  let sharings = known.get(document);
  if (!sharings) known.set(document, (sharings = new Map<string, Sharing<unknown, Audience, Encoded>>()));
  const id = `${operationName ?? ''}\0${key}`;
  const before = sharings.get(id);
  if (before) return before;
  // The cost of executing one event, counted like that of an operation.
  const weight = costOf(args).price;
  // A heavy selection uses the limited client, so that it leaves connections of the pool to everybody else. So does one event that is rendered for hundreds
  // of viewers, such as a message of a group for each inbox.
  const isHeavy = weight > LIGHT_WEIGHT;
  const shown = isHeavy ? { ...services, db: { ...services.db, ...services.db.bulk } } : services;
  const personal = isHeavy ? shown : { ...services, db: { ...services.db, ...services.db.personal } };
  const loadedNow = createLoadedNow();
  const sharing: Sharing<unknown, Audience, Encoded> = {
    key,
    weight,
    pay: (owner) => budgets.chargeEvent(owner, weight),
    waitMs: budgets.eventWaitMs,
    ownerOf: ({ principal, client }) => principal?.viewer.id ?? addressKey(client?.ip ?? ''),
    userIdOf: ({ principal }) => principal?.viewer.id ?? null,
    visible: visible && ((item, { principal }) => visible(principal?.viewer ?? null, item)),
    audienceId: ({ principal }) => audienceIdOf(principal),
    // A failed execution is retried: an event is delivered only once, and a client must not continue after an incomplete one.
    render: (item, audience) =>
      insist(async () => {
        const trap = { touched: false };
        const execution = (contextValue: Context): Promise<ExecutionResult> =>
          Promise.resolve(execute({ document, operationName, variableValues, rootValue: item, contextValue }));
        const result = await (audience === null
          ? execution(contextForEveryone(shown, () => (trap.touched = true), { loadedByKeys: loadedNow() }))
          : turns(() => execution(contextForAudience(personal, audience.principal, { loadedByKeys: loadedNow() }))));
        // The execution has read the viewer. Its result is thrown away, and its errors are not logged because they come from the trap.
        if (trap.touched) return { out: encode({ data: null }, item, mask), personal: true };
        assertResult(result);
        return { out: encode(ofSize(result, services.config.limits.resultLength), item, mask), personal: false };
      }),
  };
  if (sharings.size >= MAX_SHARINGS) sharings.clear();
  sharings.set(id, sharing);
  return sharing;
};

/**
 * Accepts a result whose errors are all coded and stand in nullable places. Any other error is a temporary failure: a database that is
 * down, a column that is being changed, or a bug that the next version fixes.
 * @throws the temporary failure
 */
const assertResult = ({ data, errors = [] }: ExecutionResult): void => {
  // Errors about arguments do not pass with time, so they belong to the result wherever they stand.
  const others = errors.filter((error) => !isArgumentError(error));
  const failure = others.find(mayPass) ?? (data === null || data === undefined ? others[0] : undefined);
  if (failure === undefined) return;
  const cause = failure.originalError ?? failure;
  throw new Error(`${failure.path?.join('.') ?? ''}: ${cause.message}`, { cause });
};

/**
 * What the executions that begin at this moment load together. It closes before the first of them reads anything, as a loader of DataLoader does: so nothing
 * in it is older than the event that is shown. Only executions of one selection share it, since they read in the same order: none has a position from another
 * that is newer than the rows it has.
 */
const createLoadedNow = (): (() => Context['loadedByKeys']) => {
  let open: Context['loadedByKeys'] | null = null;
  const close = (): void => {
    open = null;
  };
  return () => {
    if (open !== null) return open;
    open = new Map();
    void Promise.resolve().then(() => process.nextTick(close));
    return open;
  };
};

/** How many executions for one viewer each are under way at a time: enough that a statement serves many, few enough that the process does other things between. */
const PERSONAL_AT_ONCE = 100;
/** The longest wait of an event's execution for its turn, in milliseconds; it is tried again after that. */
const TURN_MS = 60_000;

type Turns = ReturnType<typeof createLimiter>;

/** By document; the parser's cache returns the same object for the same text. */
type Sharings = WeakMap<DocumentNode, Map<string, Sharing<unknown, Audience, Encoded>>>;
const MAX_SHARINGS = 100;

const encode = ({ data, errors, extensions }: ExecutionResult, item: unknown, mask: Mask): Encoded => {
  const cursor = cursorOf(item);
  const result: ExecutionResult = {
    ...(errors ? { errors: errors.map((error) => withoutLocations(mask(error))) } : {}),
    data: data ?? null,
    ...(cursor === null ? {} : { extensions: { ...extensions, cursor } }),
  };
  return { result, bytes: null, event: null };
};

/**
 * Removes the locations: subscribers who share a result may have written different texts, for which the lines and columns would be wrong.
 */
const withoutLocations = ({ message, path, extensions }: GraphQLError): GraphQLError =>
  new GraphQLError(message, { path: path ?? null, extensions });

const cursorOf = (item: unknown): string | null =>
  typeof item === 'object' && item !== null && 'cursor' in item && typeof item.cursor === 'string' ? item.cursor : null;
