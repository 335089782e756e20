import { setTimeout as delay } from 'node:timers/promises';
import {
  SubscriptionFieldBuilder,
  type InputFieldMap,
  type InputShapeFromFields,
  type SchemaTypes,
  type ShapeFromTypeParam,
  type TypeParam,
} from '@pothos/core';
import { viewerOf } from '../access/viewer.js';
import { freshContext, type Context, type Viewer } from '../context.js';
import { codeOf, coded, isRefusal } from '../errors.js';
import type { Source } from '../realtime/source.js';
import { insist } from '../realtime/patience.js';
import { UNSEEN } from '../realtime/share.js';
import type { End, LogEvent, LogTopic, Signal, SignalTopic, StateTopic, StateValue } from '../realtime/topic.js';

/**
 * `t.topic`: a subscription field over a topic. The root arguments only say which stream is meant and where to begin; what is
 * delivered is made from the event alone, so that one result may serve all who select the same.
 */
interface TopicFieldBase<Types extends SchemaTypes, Type extends TypeParam<Types>, Args extends InputFieldMap, Item> {
  readonly type: Type;
  readonly description: string;
  readonly args?: Args;
  /** Whether one must have signed in, whatever `authorize` says. */
  readonly signedIn?: true;
  /** Makes the field's value of one event, one value or one signal. */
  readonly resolve: (item: Item, context: Context) => MaybePromise<ShapeFromTypeParam<Types, Type, false>>;
  /** Whether a viewer is shown an item; asked for each subscriber at delivery. Everyone is shown everything when it is left out. */
  readonly visible?: (viewer: Viewer | null, item: Item) => boolean;
}

type MaybePromise<Value> = Value | Promise<Value>;

export interface LogFieldOptions<
  Types extends SchemaTypes,
  Type extends TypeParam<Types>,
  Args extends InputFieldMap,
  Events extends object,
  Kind extends keyof Events & string,
> extends TopicFieldBase<Types, Type, Args, LogEvent<Events, Kind>> {
  readonly topic: LogTopic<Events>;
  /** The kinds of event that this field shows: all of the topic's when left out. */
  readonly kinds?: readonly Kind[];
  /** Whose subscription is over after an event of any kind, instead of what the topic says. */
  readonly endsFor?: (event: LogEvent<Events>) => End | null;
  /**
   * Decides whether the viewer may follow the stream, by throwing, and names it. `after` among its arguments is where the stream goes on,
   * also when a cut stream of server-sent events says so by its Last-Event-ID.
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
  /** Decides whether the viewer may follow the streams, by throwing, and names them. Asked again, it may name others. */
  readonly authorize: (args: InputShapeFromFields<Args>, context: Context) => MaybePromise<Followed>;
}

export interface Followed {
  readonly keys: readonly string[];
  /** A log whose events of these kinds change the keys. */
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
  /** Decides whether the viewer may listen, by throwing, and says to what. */
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
 * Asks rules again for somebody who follows a field with these arguments, in a context of its own. The same question may have one answer for
 * several who follow the same.
 */
export type Ask = <Answer>(
  field: object,
  args: Readonly<Record<string, unknown>>,
  rules: (context: Context) => MaybePromise<Answer>,
) => Promise<Answer>;

/**
 * Asks until there is an answer, for about ten seconds: that somebody was asked too often is none.
 * @throws the answer, when it is an error of ours; UNAVAILABLE
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

/** What a subscription field follows. */
export interface AuthorizedSource extends Source<unknown> {
  /** Asks the field's rules again; rejects when they would refuse it now. What is followed may change by it. */
  readonly reauthorize: (ask: Ask) => Promise<unknown>;
  readonly visible: ((viewer: Viewer | null, item: unknown) => boolean) | undefined;
}

/** The source of a subscription field: authorised first, so that whoever may not follow it learns nothing of its cursor. */
const open = async (options: AnyOptions, args: Record<string, unknown>, context: Context): Promise<AuthorizedSource> => {
  const visible = options.visible as AuthorizedSource['visible'];
  if (isState(options)) return Object.assign(await openState(options, args, context), { visible });
  const asked = isLog(options) ? { ...args, after: context.lastEventId ?? args['after'] } : args;
  // Kept for as long as the subscription lasts, so it holds on to nothing but the arguments.
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
  // One after the other, so that no older answer comes after a newer one.
  const reauthorize = (ask: Ask): Promise<void> => {
    const answer = before.then(async () => source.follow((await ask(options, args, (fresh) => options.authorize(args, fresh))).keys));
    before = answer.catch(() => undefined);
    return answer;
  };
  if (until === undefined) return Object.assign(source, { reauthorize });
  // From now; what has changed since the keys were named is asked for by the first look.
  const changes = await context.hub.log(until.topic as LogTopic<Record<string, unknown>>, until.key, { kinds: until.kinds });
  const attach: Source<unknown>['attach'] = (sharing, memberOf) => {
    const attached = source.attach(sharing, memberOf);
    let looking = false;
    let due = false;
    const look = async (): Promise<void> => {
      due = true;
      if (looking) return;
      looking = true;
      try {
        while (due) {
          due = false;
          await reauthorize((_field, _args, rules) => askPatiently(async () => await rules(freshContext(context))));
          await delay(LOOK_PAUSE_MS, undefined, { ref: false });
        }
      } catch (error) {
        // Whoever may no longer follow it at all is told so by their rights. When there is no answer, they come back by themselves.
        if (!isRefusal(error)) end(error);
      }
      looking = false;
    };
    const following = changes.attach(UNSEEN, () => ({
      audience: null,
      deliver: () => void look(),
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
    void look();
    return { leave, end };
  };
  return { ...source, attach, reauthorize };
};

/** The shortest time between two looks at what is followed, in milliseconds: where many come at once, many look. */
const LOOK_PAUSE_MS = 500;

type FieldMethod = (options: object) => unknown;

/** The same field, of which nobody is told anything who has not signed in. */
const withViewer = (options: AnyOptions): AnyOptions => {
  const { authorize } = options as AnySignalOptions;
  const signedIn: AnySignalOptions['authorize'] = (args, context) => {
    viewerOf(context);
    return authorize(args, context);
  };
  return { ...options, authorize: signedIn } as AnyOptions;
};

Object.assign(SubscriptionFieldBuilder.prototype, {
  topic(this: { field: FieldMethod }, given: AnyOptions) {
    const options = given.signedIn === true ? withViewer(given) : given;
    return this.field({
      type: options.type,
      description: options.description,
      args: options.args ?? {},
      extensions: { signedIn: options.signedIn === true },
      subscribe: (_root: unknown, args: Record<string, unknown>, context: Context) => open(options, args, context),
      resolve: (item: never, _args: unknown, context: Context) => options.resolve(item, context),
    });
  },
});
