import { setTimeout as delay } from 'node:timers/promises';
import {
  SubscriptionFieldBuilder,
  type InputFieldMap,
  type InputShapeFromFields,
  type SchemaTypes,
  type ShapeFromTypeParam,
  type TypeParam,
} from '@pothos/core';
import { hasRole, notAllowed, viewerOf, type SignInRule, type SignInRuleByArgs } from '../access/viewer.js';
import type { Role } from '../db/generated/prisma/client.js';
import { freshContext, type Context, type Viewer } from '../context.js';
import { codeOf, coded, isRefusal } from '../errors.js';
import type { Source } from '../realtime/source.js';
import { insist } from '../realtime/patience.js';
import { UNSEEN } from '../realtime/share.js';
import type { End, LogEvent, LogTopic, Signal, SignalTopic, StateTopic, StateValue } from '../realtime/topic.js';

/**
 * `t.topic`: a subscription field over a topic. The arguments only select the stream and the position to begin at. The field's value is
 * made from the event alone, so subscribers with the same selection can share one result.
 */
interface TopicFieldBase<Types extends SchemaTypes, Type extends TypeParam<Types>, Args extends InputFieldMap, Item> {
  readonly type: Type;
  readonly description: string;
  readonly args?: Args;
  /**
   * Whether the field requires sign-in, or with which arguments; it is checked before the arguments are. A function must expect any value, since
   * it is also asked about arguments that are wrong.
   */
  readonly signedIn?: true | SignInByArgs;
  /** The least role of who may follow it; it is checked as sign-in is, and again when rights change. */
  readonly role?: Role;
  /** Makes the field's value from one event, state value or signal. */
  readonly resolve: (item: Item, context: Context) => MaybePromise<ShapeFromTypeParam<Types, Type, false>>;
  /** Whether this viewer may see the item; asked for each subscriber before delivery. Left out: everyone sees every item. */
  readonly visible?: (viewer: Viewer | null, item: Item) => boolean;
}

type MaybePromise<Value> = Value | Promise<Value>;

/** Whether a field requires sign-in when it is given these arguments. */
export type SignInByArgs = (args: Readonly<Record<string, unknown>>) => boolean;

export interface LogFieldOptions<
  Types extends SchemaTypes,
  Type extends TypeParam<Types>,
  Args extends InputFieldMap,
  Events extends object,
  Kind extends keyof Events & string,
> extends TopicFieldBase<Types, Type, Args, LogEvent<Events, Kind>> {
  readonly topic: LogTopic<Events>;
  /** The kinds of event that this field delivers. Left out: all kinds of the topic. */
  readonly kinds?: readonly Kind[];
  /** Whose subscriptions end after an event of any kind; it replaces the rule of the topic. */
  readonly endsFor?: (event: LogEvent<Events>) => End | null;
  /**
   * Authorises the viewer and returns the stream's key; it throws when the viewer may not follow the stream. `args.after` is the cursor to
   * resume at: on server-sent events it holds the Last-Event-ID of a reconnecting client, if there is one.
   */
  readonly authorize: (
    args: InputShapeFromFields<Args>,
    context: Context,
  ) => MaybePromise<{ readonly key: string; readonly after?: string | null | undefined }>;
}

export interface StateFieldOptions<
  Types extends SchemaTypes,
  Type extends TypeParam<Types>,
  Args extends InputFieldMap,
  Value extends StateValue,
> extends TopicFieldBase<Types, Type, Args, Value> {
  readonly topic: StateTopic<Value>;
  /**
   * Authorises the viewer and returns the keys to follow; it throws when the viewer may not follow them. It is asked again later and may
   * then return other keys.
   */
  readonly authorize: (args: InputShapeFromFields<Args>, context: Context) => MaybePromise<Followed>;
}

export interface Followed {
  readonly keys: readonly string[];
  /** A log whose events of these kinds may change the keys: after each of them `authorize` is asked again. */
  readonly until?:
    | { readonly topic: { readonly kind: 'log'; readonly name: string }; readonly key: string; readonly kinds: readonly string[] }
    | undefined;
}

export interface SignalFieldOptions<
  Types extends SchemaTypes,
  Type extends TypeParam<Types>,
  Args extends InputFieldMap,
  Value,
> extends TopicFieldBase<Types, Type, Args, Signal<Value>> {
  readonly topic: SignalTopic<Value>;
  /** Authorises the viewer and returns the stream's key; it throws when the viewer may not listen. */
  readonly authorize: (args: InputShapeFromFields<Args>, context: Context) => MaybePromise<{ readonly key: string }>;
}

declare global {
  export namespace PothosSchemaTypes {
    interface SubscriptionFieldBuilder<Types extends SchemaTypes, ParentShape> {
      topic<Type extends TypeParam<Types>, Args extends InputFieldMap, Events extends object, Kind extends keyof Events & string>(
        options: LogFieldOptions<Types, Type, Args, Events, Kind>,
      ): ReturnType<SubscriptionFieldBuilder<Types, ParentShape>['field']>;
      topic<Type extends TypeParam<Types>, Args extends InputFieldMap, Value extends StateValue>(
        options: StateFieldOptions<Types, Type, Args, Value>,
      ): ReturnType<SubscriptionFieldBuilder<Types, ParentShape>['field']>;
      topic<Type extends TypeParam<Types>, Args extends InputFieldMap, Value>(
        options: SignalFieldOptions<Types, Type, Args, Value>,
      ): ReturnType<SubscriptionFieldBuilder<Types, ParentShape>['field']>;
    }
  }
}

type AnyLogOptions = LogFieldOptions<SchemaTypes, never, InputFieldMap, Record<string, unknown>, string>;
type AnyStateOptions = StateFieldOptions<SchemaTypes, never, InputFieldMap, StateValue>;
type AnySignalOptions = SignalFieldOptions<SchemaTypes, never, InputFieldMap, unknown>;
type AnyOptions = AnyLogOptions | AnyStateOptions | AnySignalOptions;

const isOf =
  <Options extends AnyOptions>(kind: Options['topic']['kind']) =>
  (options: AnyOptions): options is Options =>
    options.topic.kind === kind;
const isLog = isOf<AnyLogOptions>('log');
const isState = isOf<AnyStateOptions>('state');

/**
 * Runs the rules of a field again for a subscriber with these arguments, in a fresh context. One answer may serve several subscribers who
 * ask the same question.
 */
export type Ask = <Answer>(
  field: object,
  args: Readonly<Record<string, unknown>>,
  rules: (context: Context) => MaybePromise<Answer>,
) => Promise<Answer>;

/**
 * Retries a question about rights for about ten seconds. RATE_LIMITED and LOCKED count as no answer.
 * @throws the coded error that refuses, or UNAVAILABLE when there was no answer
 */
export const askPatiently = <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
  insist(async () => {
    try {
      return await ask();
    } catch (error) {
      const code = codeOf(error);
      throw code === 'RATE_LIMITED' || code === 'LOCKED' ? coded('UNAVAILABLE', 'There is no answer at the moment.', {}, error) : error;
    }
  });

/** The source of a subscription field, after authorisation. */
export interface AuthorizedSource extends Source<unknown> {
  /** Runs the field's rules again, and rejects when they refuse now. The keys of a state subscription may change by it. */
  readonly reauthorize: (ask: Ask) => Promise<unknown>;
  readonly visible: ((viewer: Viewer | null, item: unknown) => boolean) | undefined;
}

/**
 * Opens the source of a subscription field. Authorisation comes before the cursor is read, so that a viewer without the right to follow a
 * stream learns nothing about its cursors.
 */
const open = async (options: AnyOptions, args: Record<string, unknown>, context: Context): Promise<AuthorizedSource> => {
  const visible = options.visible as AuthorizedSource['visible'];
  if (isState(options)) return Object.assign(await openState(options, args, context), { visible });
  const asked = isLog(options) ? { ...args, after: context.lastEventId ?? args['after'] } : args;
  // This function lives as long as the subscription, so it must keep no reference to the context of the request.
  const reauthorize = (ask: Ask): Promise<unknown> =>
    ask(options, asked, (fresh): MaybePromise<unknown> => options.authorize(asked, fresh));
  if (!isLog(options)) {
    const { key } = await options.authorize(asked, context);
    return Object.assign(context.hub.signal(options.topic, key), { reauthorize, visible });
  }
  const { key, after } = await options.authorize(asked, context);
  const { kinds, endsFor } = options;
  const source = await context.hub.log(options.topic, key, { after, kinds, endsFor });
  return Object.assign(source, { reauthorize, visible });
};

const openState = async (
  options: AnyStateOptions,
  args: Record<string, unknown>,
  context: Context,
): Promise<Omit<AuthorizedSource, 'visible'>> => {
  const { keys, until } = await options.authorize(args, context);
  const source = context.hub.state(options.topic, keys);
  let before: Promise<unknown> = Promise.resolve();
  // One call at a time: an answer that was asked for earlier must not replace a newer one.
  const reauthorize = (ask: Ask): Promise<void> => {
    const answer = before.then(async () => source.follow((await ask(options, args, (fresh) => options.authorize(args, fresh))).keys));
    before = answer.catch(() => undefined);
    return answer;
  };
  if (until === undefined) return Object.assign(source, { reauthorize });
  // The log is followed from its end. Changes between the reading of the keys and this line are found by the first refresh, which runs on
  // attach.
  const changes = await context.hub.log(until.topic as LogTopic<Record<string, unknown>>, until.key, { kinds: until.kinds });
  const attach: Source<unknown>['attach'] = (sharing, memberOf) => {
    const attached = source.attach(sharing, memberOf);
    let refreshing = false;
    let due = false;
    const refresh = async (): Promise<void> => {
      due = true;
      if (refreshing) return;
      refreshing = true;
      try {
        while (due) {
          due = false;
          await reauthorize((_field, _args, rules) => askPatiently(async () => await rules(freshContext(context))));
          await delay(REFRESH_INTERVAL_MS, undefined, { ref: false });
        }
      } catch (error) {
        // A refusal is handled by the access watcher, which ends the subscription with ACCESS_REVOKED. Any other failure ends it here with
        // UNAVAILABLE, and the client subscribes again.
        if (!isRefusal(error)) end(error);
      }
      refreshing = false;
    };
    const following = changes.attach(UNSEEN, () => ({
      audience: null,
      deliver: () => void refresh(),
      room: () => Promise.resolve(),
      end: (error) => attached.end(error),
    }));
    const leave = (): void => {
      following.leave();
      attached.leave();
    };
    const end = (error: unknown): void => {
      following.leave();
      attached.end(error);
    };
    void refresh();
    return { leave, end };
  };
  return { ...source, attach, reauthorize };
};

/** The shortest interval between two refreshes of the keys, in milliseconds. When many members join at once, every subscriber refreshes. */
const REFRESH_INTERVAL_MS = 500;

type FieldMethod = (options: object) => unknown;

/** The field with a check of sign-in before its own `authorize`. */
const withViewer = (options: AnyOptions): AnyOptions => {
  const { authorize, signedIn: needed = false, role } = options as AnySignalOptions;
  const signedIn: AnySignalOptions['authorize'] = (args, context) => {
    if (role !== undefined && !hasRole(viewerOf(context), role)) throw notAllowed(context.principal);
    if (typeof needed === 'function' ? needed(args) : needed) viewerOf(context);
    return authorize(args, context);
  };
  return { ...options, authorize: signedIn } as AnyOptions;
};

const ruleOf = ({ signedIn, role }: AnyOptions): SignInRule | SignInRuleByArgs => {
  if (role !== undefined) return { role };
  return typeof signedIn === 'function' ? (args) => ({ signedIn: signedIn(args) }) : { signedIn: signedIn === true };
};

Object.assign(SubscriptionFieldBuilder.prototype, {
  topic(this: { field: FieldMethod }, given: AnyOptions) {
    const options = given.signedIn === undefined && given.role === undefined ? given : withViewer(given);
    return this.field({
      type: options.type,
      description: options.description,
      args: options.args ?? {},
      extensions: { signInRule: ruleOf(options) },
      subscribe: (_root: unknown, args: Record<string, unknown>, context: Context) => open(options, args, context),
      resolve: (item: never, _args: unknown, context: Context) => options.resolve(item, context),
    });
  },
});
