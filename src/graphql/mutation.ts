import type { InputFieldMap, InputShapeFromFields, SchemaTypes } from '@pothos/core';
import type { GraphQLInputField, GraphQLResolveInfo } from 'graphql';
import { getNamedType, isInputObjectType } from 'graphql';
import type { z } from 'zod';
import { builder, type Types } from './builder.js';
import { freshContext, type Context } from '../context.js';
import { within } from '../db/database.js';
import type { Role } from '../db/generated/prisma/client.js';
import type { Audited } from '../db/transact.js';
import { coded, fieldErrors, MAX_FIELD_ERRORS, type FieldError } from '../errors.js';
import { rawIdOf } from './ids.js';
import { forgetLoaded } from './loaders.js';
import { runOnce, type Reloaders } from './mutation-results.js';
import { addressKey } from '../access/address.js';
import { countedBy, type RateLimitRule } from '../access/rate-limits.js';
import { WRITE, type FieldPrice } from './price.js';
import { clientIdText, mistakesOf } from './text.js';
import { signInError, viewerOf, type MutationScope, type SignInRule } from '../access/viewer.js';

/** The rules of an input field beside its type. */
interface InputFieldRules {
  readonly idOf?: string;
  readonly check?: z.ZodType;
  readonly isSecret?: boolean;
  readonly hasShare?: boolean;
}

declare global {
  export namespace PothosSchemaTypes {
    // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the parameters must be those of the interface that this adds to
    interface InputObjectFieldOptions<Types extends SchemaTypes, Type, Req> {
      /** The node type of this id, or of these ids. The mutation gets UUIDs instead of global ids. */
      readonly idOf?: string;
      /** Validates a value unless it is null or left out. The mutation gets the parsed value. */
      readonly check?: z.ZodType;
      /** A secret, such as a passcode: the stored digest of the input has its keyed digest in its place. */
      readonly isSecret?: boolean;
      /** Of a mutation for anyone: what the call is about, such as a name, a link or a device. Each has a share of its own once its address has used up its allowance. */
      readonly hasShare?: boolean;
    }
  }
}

interface ClientIdInput {
  readonly clientId?: string | null | undefined;
}

/**
 * Who may call a mutation: anyone, anyone signed in (guests included), or anyone with at least this role. A mutation for anyone is executed even if the
 * request's token is invalid, because `login` and `refreshSession` are how a client gets a valid one; what it does needs no scope. Every other names the
 * scope that an API key must have for it. `SESSION`: no key has it, which holds for whatever hands out, changes or ends credentials.
 */
export type Access =
  | { readonly access: 'anyone'; readonly scope?: never }
  | { readonly access: 'signedIn' | Exclude<Role, 'GUEST'>; readonly scope: MutationScope };

export type MutationOptions<Fields extends InputFieldMap, Payload extends object> = Access & MutationBase<Fields, Payload>;

interface MutationBase<Fields extends InputFieldMap, Payload extends object> {
  readonly description: string;
  /**
   * The rate limit, see {@link RateLimitRule}. It counts each call that is allowed and whose input is valid. Null for what keeps nothing and costs no
   * more than a query, and is about nothing by which those behind one address could be told apart: the budgets of all operations are its limit.
   */
  readonly limit?: RateLimitRule | null;
  /** Whether it may be called by who has not accepted the present terms: what leads out of here, or to accepting them. */
  readonly beforeTerms?: true;
  /** What calling it costs, in rows, without what is selected of its payload; {@link WRITE} when left out. */
  readonly price?: FieldPrice;
  /**
   * How a call that is repeated with its `clientId` gives the first result. `result`: the payload is stored for 24 hours. `row`: the
   * created row has a column for the id and stays for good, and `run` looks it up. `never`: the input has no `clientId`.
   */
  readonly repeats?: 'result' | 'row' | 'never';
  /** Null for a mutation that takes no input. */
  readonly input: {
    readonly description: string;
    readonly fields: (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => Fields;
  } | null;
  /**
   * Executes the mutation. The input has been validated and its ids are UUIDs; rules about the objects they name are checked here.
   *
   * With a `clientId` the whole function runs in one transaction, including all its reads and writes by `context.db`. Therefore its events
   * are numbered only after it has returned, and it may be run again from the start.
   */
  readonly run: (input: InputShapeFromFields<Fields> & ClientIdInput, context: Context) => Promise<Payload>;
  /**
   * What the audit records of a call that has succeeded, under the name of the mutation and in its transaction, in which the whole function runs then.
   * Every mutation for moderators and administrators has it. `inside`: `run` records it in a transaction of its own, whose events must be numbered when
   * it returns.
   */
  readonly audit?: ((payload: Payload, input: InputShapeFromFields<Fields>) => Pick<Audited, 'subject' | 'detail'>) | 'inside';
  readonly payload: {
    readonly description: string;
    /** The fields of the payload that are objects, each with the function that loads it again by id. All other fields are plain values. */
    readonly reloaders?: Reloaders<Payload>;
    readonly fields: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>) => Record<string, unknown>;
  };
}

/** Whose acts are all audited. */
const AUDITED: ReadonlySet<string> = new Set(['MODERATOR', 'ADMIN'] satisfies Access['access'][]);

const CLIENT_ID = '1 to 100 printable ASCII characters without spaces, fresh for each act.';
const REPEATED = {
  result: `${CLIENT_ID} Sent again within 24 hours with the same input it gives the first result, with other input CONFLICT.`,
  row: `${CLIENT_ID} Sent again with the same input it gives what was made first, with other input CONFLICT.`,
};

/** The field `ok` of a payload that has nothing else to tell. */
export const okField = <Payload extends { readonly ok: boolean }>(t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>) =>
  t.boolean({ description: 'Always true.', resolve: ({ ok }) => ok });

/**
 * Declares a mutation: its input type, its payload type and its field. Every call is checked in the same order: cost of the operation,
 * sign-in, scope and role, terms, input, rate limit; then it is executed. The field is nullable, so an error of one mutation leaves the results of the
 * others in the response.
 */
export const mutation = <Fields extends InputFieldMap, Payload extends object>(
  name: string,
  options: MutationOptions<Fields, Payload>,
): void => {
  const { description, access, scope, input, payload } = options;
  const run = audited(name, options);
  if (AUDITED.has(access) && options.audit === undefined) throw new Error(`${name} is an act that the audit must record.`);
  const repeats = options.repeats ?? 'result';
  const usual = access === 'anyone' ? 'anonymousMutation' : 'mutation';
  const limit = options.limit === undefined ? usual : options.limit;
  const rule: SignInRule = access === 'anyone' ? {} : { ...(access === 'signedIn' ? { signedIn: true } : { role: access }), scope };
  const typeName = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

  /** The input's fields in the order of their declaration, which is the order of a form; the printed schema sorts them. */
  let order: readonly string[] = [];
  /** The rules of the input's fields, read from the schema at the first call. */
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
    const refusal = signInError(rule, context.principal);
    if (refusal !== null) throw refusal;
    if (access !== 'anyone' && options.beforeTerms !== true) await assertTerms(context);
    rules ??= readRules(info, order);
    const checked = check(rules, args.input ?? {}) as InputShapeFromFields<Fields> & ClientIdInput;
    if (limit === 'anonymousMutation') await countAnonymous(context, name, rules, checked);
    else if (limit !== null) await count(context, name, limit);
    try {
      const { clientId } = checked;
      if (repeats !== 'result' || typeof clientId !== 'string') return await run(checked, context);
      return await runOnce(context, {
        mutation: name,
        clientId,
        input: withoutSecrets(rules, checked, context),
        reloaders: payload.reloaders ?? {},
        run: (inside) => run(checked, inside),
      });
    } finally {
      // The mutations of one operation run one after the other, and the payload of each must show the state that it has left behind.
      forgetLoaded(context);
    }
  };

  builder.mutationField(name, (t) =>
    t.field({
      type: payloadRef,
      nullable: true,
      description,
      args: inputRef === null ? {} : { input: t.arg({ type: inputRef, required: true, description: input?.description ?? '' }) },
      price: options.price ?? { own: WRITE },
      extensions: { viewerless: access === 'anyone', signInRule: rule },
      // The cast is needed because the generic resolver type cannot know that a payload is not a list.
      resolve: (_root, args, context, info) => resolve(args, context, info) as never,
    }),
  );
};

/** The function that executes a mutation, which also records it where it is audited. */
const audited = <Fields extends InputFieldMap, Payload extends object>(
  name: string,
  { run, audit }: Pick<MutationOptions<Fields, Payload>, 'run' | 'audit'>,
): MutationOptions<Fields, Payload>['run'] =>
  typeof audit !== 'function'
    ? run
    : (input, context) =>
        context.db.transact(async (tx) => {
          const payload = await run(input, freshContext(context, { db: within(context.db, tx) }));
          const { subject, detail } = audit(payload, input);
          tx.audit(name, subject, detail);
          return payload;
        });

/** @throws TERMS_NOT_ACCEPTED */
const assertTerms = async (context: Context): Promise<void> => {
  const owed = await context.terms.owed(viewerOf(context).id);
  if (owed !== null) throw coded('TERMS_NOT_ACCEPTED', 'Accept the present terms first.', { version: owed.version, url: owed.url });
};

/** Counts the call. By default each mutation of a user has a counter of its own; a named rule may be shared by several mutations. */
const count = async (context: Context, name: string, rule: RateLimitRule): Promise<void> => {
  const { limits, client } = context;
  if (countedBy(rule) === 'address') {
    await limits.consume(rule, client.ip);
    return;
  }
  const userId = viewerOf(context).id;
  await limits.consume(rule, rule === 'mutation' ? `${name}:${userId}` : userId);
};

/**
 * Counts a call of a mutation for anyone by its address. Beyond the allowance of the address, what the call is about has a share of its own: else one who
 * guesses would make all others behind the address wait. How much an address can do by naming ever other things is bounded by what its operations cost.
 */
const countAnonymous = async (
  { limits, client, viewer, sessionCookie }: Context,
  name: string,
  rules: Rules,
  input: Readonly<Record<string, unknown>>,
): Promise<void> => {
  if (await limits.isAllowed('anonymousMutation', client.ip)) return;
  const about = [...rules].flatMap(([field, { hasShare }]) => (hasShare === true ? [input[field] ?? null] : []));
  await limits.consume(
    'anonymousShare',
    JSON.stringify([addressKey(client.ip ?? ''), name, viewer?.id, sessionCookie?.refreshToken, about]),
  );
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
 * Validates and decodes the input. All mistakes are reported together, because a form shows them together; validation stops at {@link
 * MAX_FIELD_ERRORS}.
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

const withoutSecrets = (rules: Rules, input: object, { secretDigest }: Context): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(input)
      .filter(([name]) => name !== 'clientId')
      .map(([name, value]: [string, unknown]) => [
        name,
        rules.get(name)?.isSecret === true && typeof value === 'string' ? secretDigest(value) : value,
      ]),
  );
