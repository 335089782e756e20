import {
  SubscriptionFieldBuilder,
  type InputFieldMap,
  type InputShapeFromFields,
  type SchemaTypes,
  type ShapeFromTypeParam,
  type TypeParam,
} from '@pothos/core';
import type { Context } from './context.js';
import type { Source } from './realtime/hub.js';
import type { LogEvent, LogTopic, StateTopic, StateValue } from './realtime/topic.js';

/**
 * `t.topic`: a subscription field over a topic. The root arguments only say which stream is meant and where to begin; what is
 * delivered is made from the event alone, so that one result may serve all who select the same.
 */
interface TopicFieldBase<Types extends SchemaTypes, Type extends TypeParam<Types>, Args extends InputFieldMap, Item> {
  readonly type: Type;
  readonly description: string;
  readonly args?: Args;
  /** Makes the field's value of one event or one value. */
  readonly resolve: (item: Item, context: Context) => MaybePromise<ShapeFromTypeParam<Types, Type, false>>;
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
  /** The kinds of event that this field shows. */
  readonly kinds: readonly Kind[];
  /** Decides whether the viewer may follow the stream, by throwing, and names it. */
  readonly authorize: (args: InputShapeFromFields<Args>, context: Context) => MaybePromise<{ readonly key: string; readonly after?: string | null | undefined }>;
}

export interface StateFieldOptions<Types extends SchemaTypes, Type extends TypeParam<Types>, Args extends InputFieldMap, Value extends StateValue>
  extends TopicFieldBase<Types, Type, Args, Value> {
  readonly topic: StateTopic<Value>;
  /** Decides whether the viewer may follow the streams, by throwing, and names them. */
  readonly authorize: (args: InputShapeFromFields<Args>, context: Context) => MaybePromise<{ readonly keys: readonly string[] }>;
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
    }
  }
}

type AnyOptions =
  | LogFieldOptions<SchemaTypes, never, InputFieldMap, Record<string, unknown>, string>
  | StateFieldOptions<SchemaTypes, never, InputFieldMap, StateValue>;

const isLog = (options: AnyOptions): options is Extract<AnyOptions, { topic: { kind: 'log' } }> => options.topic.kind === 'log';

/** What a subscription field follows. */
export interface AuthorizedSource extends Source<unknown> {
  /** Asks the field's rules again; rejects when the context's viewer would be refused now. */
  readonly reauthorize: (context: Context) => Promise<unknown>;
}

/** The source of a subscription field: authorised first, so that whoever may not follow it learns nothing of its cursor. */
const open = async (options: AnyOptions, args: Record<string, unknown>, context: Context): Promise<AuthorizedSource> => {
  // Kept for as long as the subscription lasts, so it holds on to nothing but the arguments.
  const reauthorize = async (fresh: Context): Promise<unknown> => await options.authorize(args, fresh);
  if (isLog(options)) {
    const { key, after } = await options.authorize(args, context);
    return Object.assign(await context.hub.log(options.topic, key, { after: context.lastEventId ?? after, kinds: options.kinds }), { reauthorize });
  }
  const { keys } = await options.authorize(args, context);
  return Object.assign(context.hub.state(options.topic, keys), { reauthorize });
};

type FieldMethod = (options: object) => unknown;

Object.assign(SubscriptionFieldBuilder.prototype, {
  topic(this: { field: FieldMethod }, options: AnyOptions) {
    return this.field({
      type: options.type,
      description: options.description,
      args: options.args ?? {},
      subscribe: (_root: unknown, args: Record<string, unknown>, context: Context) => open(options, args, context),
      resolve: (item: never, _args: unknown, context: Context) => options.resolve(item, context),
    });
  },
});
