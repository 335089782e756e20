import type { InputFieldMap, InputShapeFromFields, SchemaTypes } from '@pothos/core';
import type { GraphQLInputField, GraphQLResolveInfo } from 'graphql';
import { getNamedType, isInputObjectType } from 'graphql';
import type { z } from 'zod';
import { builder, type Types } from './builder.js';
import type { Context } from '../context.js';
import type { Role } from '../db/generated/prisma/client.js';
import { fieldErrors, MAX_FIELD_ERRORS, type FieldError } from '../errors.js';
import { rawIdOf } from './ids.js';
import { forgetLoaded } from './loaders.js';
import { doOnce, type Rereads } from './mutation-results.js';
import { countedBy, type RateLimitRule } from '../access/rate-limits.js';
import { clientIdText, mistakesOf } from './text.js';
import { viewerOf } from '../access/viewer.js';

/** What a field of a mutation's input says of itself beside its type. */
interface InputFieldRules {
  readonly idOf?: string;
  readonly check?: z.ZodType;
  readonly isSecret?: boolean;
}

declare global {
  export namespace PothosSchemaTypes {
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the parameters must be those of the interface that this adds to
    interface InputObjectFieldOptions<Types extends SchemaTypes, Type, Req> {
      /** The type of the node whose id this is, or whose ids these are: the mutation gets the raw ids. */
      readonly idOf?: string;
      /** What a value must be that is given; the mutation gets what comes out of it. */
      readonly check?: z.ZodType;
      /** Nothing of it is kept, not even a digest. */
      readonly isSecret?: boolean;
    }
  }
}

interface ClientIdInput {
  readonly clientId?: string | null | undefined;
}

export interface MutationOptions<Fields extends InputFieldMap, Payload extends object> {
  readonly description: string;
  /**
   * Who may call it: anyone, whoever is signed in (guests included), or whoever has at least a role. One for anyone is answered even when the
   * request carries a token that is refused: this is how one gets a good one.
   */
  readonly access: 'anyone' | 'signedIn' | Exclude<Role, 'GUEST'>;
  /** Counted for each call that may be made and whose input is good; see {@link RateLimitRule}. */
  readonly limit?: RateLimitRule;
  /**
   * What makes a call that is sent again with its `clientId` give the first result: the payload is kept for 24 hours; or the created row
   * itself keeps the id, which `run` sees to; or nothing does, and there is no `clientId`.
   */
  readonly repeats?: 'result' | 'row' | 'never';
  /** Null for a mutation that takes no input. */
  readonly input: {
    readonly description: string;
    readonly fields: (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => Fields;
  } | null;
  /**
   * Does it. The input has been checked, and its ids are raw. Rules on the subject are asked here.
   *
   * With a `clientId` it runs inside of one transaction, whatever it reads and writes by `context.db`: an event is numbered after it has
   * returned, and all of it may be run again from the start.
   */
  readonly run: (input: InputShapeFromFields<Fields> & ClientIdInput, context: Context) => Promise<Payload>;
  readonly payload: {
    readonly description: string;
    /** Which fields of the payload are rows, and how each is read again; all others are plain values. */
    readonly rereads?: Rereads<Payload>;
    readonly fields: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>) => Record<string, unknown>;
  };
}

const CLIENT_ID = '1 to 100 printable ASCII characters without spaces, fresh for each act.';
const REPEATED = {
  result: `${CLIENT_ID} Sent again within 24 hours with the same input it gives the first result, with other input CONFLICT.`,
  row: `${CLIENT_ID} Sent again with the same input it gives what was made first, with other input CONFLICT.`,
};

/**
 * Declares a mutation: its input, its payload and its field. One order for all: the cost of the operation, who is there and with what role,
 * the input, how often, and then what it does. One that is refused is null, and leaves the results of the others in the response.
 */
export const mutation = <Fields extends InputFieldMap, Payload extends object>(
  name: string,
  options: MutationOptions<Fields, Payload>,
): void => {
  const { description, access, input, payload, run } = options;
  const repeats = options.repeats ?? 'result';
  const limit = options.limit ?? (access === 'anyone' ? 'anonymousMutation' : 'mutation');
  const typeName = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

  /** The fields in the order in which they are declared, which is that of a form; a schema sorts them. */
  let order: readonly string[] = [];
  /** Read off the schema by the first call. */
  let rules: Rules | undefined;
  const inputRef =
    input &&
    builder.inputType(`${typeName}Input`, {
      description: input.description,
      fields: (t) => {
        const fields = input.fields(t);
        order = Object.keys(fields);
        return repeats === 'never' ? fields : { ...fields, clientId: t.string({ check: clientIdText, description: REPEATED[repeats] }) };
      },
    });
  const payloadRef = builder.objectRef<Payload>(`${typeName}Payload`);
  payloadRef.implement({ description: payload.description, fields: payload.fields as never });

  const resolve = async (
    args: { readonly input?: Readonly<Record<string, unknown>> },
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Payload> => {
    rules ??= readRules(info, order);
    const checked = check(rules, args.input ?? {}) as InputShapeFromFields<Fields> & ClientIdInput;
    await count(context, name, limit);
    try {
      const { clientId } = checked;
      if (repeats !== 'result' || typeof clientId !== 'string') return await run(checked, context);
      return await doOnce(context, {
        mutation: name,
        clientId,
        input: withoutSecrets(rules, checked),
        rereads: payload.rereads ?? {},
        run: (inside) => run(checked, inside),
      });
    } finally {
      // The mutations of one operation run one after the other, and each answers with what it has left behind.
      forgetLoaded(context);
    }
  };

  builder.mutationField(name, (t) =>
    t.field({
      type: payloadRef,
      nullable: true,
      description,
      args: inputRef === null ? {} : { input: t.arg({ type: inputRef, required: true, description: input?.description ?? '' }) },
      ...(access === 'anyone'
        ? { extensions: { viewerless: true } }
        : { authScopes: access === 'signedIn' ? { signedIn: true } : { role: access } }),
      // A payload is no list, which the types of a resolver cannot know.
      resolve: (_root, args, context, info) => resolve(args, context, info) as never,
    }),
  );
};

/** What a mutation has and a query has not: it is counted, each by itself, unless it names a rule that several share. */
const count = async (context: Context, name: string, rule: RateLimitRule): Promise<void> => {
  const { limits, client } = context;
  if (countedBy(rule) === 'address') {
    await limits.consume(rule, client.ip);
    return;
  }
  const userId = viewerOf(context).id;
  await limits.consume(rule, rule === 'mutation' ? `${name}:${userId}` : userId);
};

type Rules = ReadonlyMap<string, InputFieldRules>;

const readRules = ({ parentType, fieldName }: GraphQLResolveInfo, order: readonly string[]): Rules => {
  const [argument] = parentType.getFields()[fieldName]?.args ?? [];
  const type = argument && getNamedType(argument.type);
  if (!isInputObjectType(type)) return new Map();
  const fields = type.getFields();
  const rules = new Map<string, InputFieldRules>();
  for (const name of new Set([...order, ...Object.keys(fields)])) {
    const field = fields[name];
    if (field !== undefined) rules.set(name, ruleOf(field));
  }
  return rules;
};

const ruleOf = ({ extensions }: GraphQLInputField): InputFieldRules => extensions['pothosOptions'] ?? {};

/**
 * The input as the mutation gets it. People who fill in a form want to hear of all their mistakes; whoever makes a great many is told of the
 * first ones, and the rest is not looked at.
 * @throws BAD_USER_INPUT
 */
const check = (rules: Rules, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const checked: Record<string, unknown> = { ...given };
  const mistakes: FieldError[] = [];
  for (const [name, rule] of rules) {
    const value = given[name];
    if (value === null || value === undefined) continue;
    const result = rule.check?.safeParse(value);
    if (result?.success === false) mistakes.push(...mistakesOf(result.error.issues.slice(0, MAX_FIELD_ERRORS), 'input', name));
    else checked[name] = decode(rule, result === undefined ? value : result.data, `input.${name}`, mistakes);
    if (mistakes.length >= MAX_FIELD_ERRORS) break;
  }
  if (mistakes.length > 0) throw fieldErrors('BAD_USER_INPUT', mistakes);
  return checked;
};

const decode = ({ idOf }: InputFieldRules, value: unknown, path: string, mistakes: FieldError[]): unknown => {
  if (idOf === undefined) return value;
  const one = (globalId: unknown, at: string): string => {
    const read = rawIdOf(idOf, String(globalId), at);
    if (typeof read === 'string') return read;
    mistakes.push(read);
    return '';
  };
  return Array.isArray(value) ? value.map((each, index) => one(each, `${path}.${index}`)) : one(value, path);
};

const withoutSecrets = (rules: Rules, input: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(input)
      .filter(([name]) => name !== 'clientId')
      .map(([name, value]: [string, unknown]) => [name, rules.get(name)?.isSecret === true && typeof value === 'string' ? true : value]),
  );
