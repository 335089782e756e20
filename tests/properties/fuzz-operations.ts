import { randomUUID } from 'node:crypto';
import fc from '../kit/cases.js';
import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { encodeId, readId } from '../../src/graphql/ids.js';
import { createRandom, type Random } from '../chaos/random.js';

/*
 * Operations at random, from the schema: most of their arguments are of the right type, and some are anything at all. What texts they send is chosen so that
 * nothing of what others keep to themselves is among it.
 */

/** What a generated operation may name. */
export interface Pool {
  /** Global ids of what there is, seen or not. */
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
  readonly usernames: readonly string[];
}

export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly kind: 'query' | 'mutation' | 'subscription';
}

/** What is easily read otherwise than it was meant. */
const TEXTS: readonly string[] = [
  ...[
    '',
    ' ',
    'a',
    'Hello **you** @ben',
    '\0',
    'a\0b',
    '\ud800',
    '\u202e',
    '%',
    '_',
    '\\',
    '\'; DROP TABLE "user"; --',
    '$1',
    '{{x}}',
    '<script>',
  ],
  ...[
    'null',
    'undefined',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    '=1+1',
    '\r\nset-cookie: a=b',
    '0',
    '-1',
    '1e999',
    'NaN',
    '👍',
    'e\u0301',
  ],
  ...[
    'a'.repeat(300),
    'ä'.repeat(20_001),
    '[a](javascript:alert(1))',
    '```\n'.repeat(50),
    '#'.repeat(500),
    '@'.repeat(200),
    '2026-01-01T00:00:00Z',
  ],
];
const NUMBERS: readonly number[] = [0, 1, 2, 5, 20, 100, 101, -1, -2_147_483_648, 2_147_483_647, 2_147_483_648, 1.5, 1e308];
const DATES: readonly string[] = [
  '2026-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00Z',
  'tomorrow',
  '',
];
const NODE_TYPES = [
  'User',
  'Me',
  'Post',
  'Comment',
  'Entry',
  'Conversation',
  'ConversationMember',
  'Message',
  'Notification',
  'Session',
  'ApiKey',
];

/** What a mutation is about, by its name. */
const NOUNS = /Post|Comment|Entry|Category|Message|Conversation|Notification|Session/;

/** How deep a selection goes. */
const MAX_DEPTH = 4;

/** Whether a field takes an id, by itself or within what it takes. */
const takesId = ({ args }: GraphQLField<unknown, unknown>): boolean => args.some(({ name }) => /^(id|ids|by|input)$|Ids?$/.test(name));

/** Mutations after which whoever asks could ask nothing more. */
const ENDING: ReadonlySet<string> = new Set(['logout', 'revokeAllSessions', 'deleteMyAccount']);

export const operations = (schema: GraphQLSchema, pool: Pool): fc.Arbitrary<Operation> => {
  const below = (random: Random, n: number): number => random.between(0, n - 1);
  const strange = (random: Random, most: number): string =>
    String.fromCharCode(...Array.from({ length: below(random, most) }, () => below(random, 0x1_0000)));
  const one = <Item>(random: Random, items: readonly Item[]): Item => random.pick(items);
  const chance = (random: Random, percent: number): boolean => below(random, 100) < percent;

  /** The types of which an argument may want the id, as its name or its field has it. */
  const wantedBy = (name: string, of: string): string => {
    const [, own] = /^(\w+)Ids?$/.exec(name) ?? [];
    const word = own ?? of;
    const type = `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
    return { Member: 'User', Actor: 'User', ReplyTo: 'Message' }[type] ?? type;
  };
  const idsOf = (type: string): readonly string[] => {
    const found = byType.get(type) ?? pool.ids.filter((id) => readId(id)?.typename === type);
    byType.set(type, found);
    return found.length === 0 ? pool.ids : found;
  };
  const byType = new Map<string, readonly string[]>();
  const anId = (random: Random, wanted: string): string => {
    const way = below(random, 40);
    if (way < 34) return one(random, idsOf(wanted));
    if (way < 35) return one(random, pool.ids);
    if (way < 37) return encodeId(one(random, NODE_TYPES), randomUUID());
    if (way < 38) return Buffer.from(`${one(random, NODE_TYPES)}:${one(random, TEXTS)}`).toString('base64url');
    return way < 39 ? one(random, pool.cursors) : one(random, TEXTS);
  };
  const aText = (random: Random, name: string): string => {
    if (/after|before|cursor/i.test(name)) return chance(random, 70) ? one(random, pool.cursors) : one(random, TEXTS);
    if (/user|author|identifier/i.test(name) && chance(random, 60)) return one(random, pool.usernames);
    return chance(random, 20) ? strange(random, 60) : one(random, TEXTS);
  };
  const aScalar = (random: Random, named: GraphQLNamedType, name: string, of: string): unknown => {
    switch (named.name) {
      case 'ID':
        return anId(random, wantedBy(name, of));
      case 'Int':
        return chance(random, 90) ? 1 + below(random, 20) : one(random, NUMBERS);
      case 'Float':
        return one(random, NUMBERS);
      case 'Boolean':
        return chance(random, 50);
      case 'DateTime':
        return chance(random, 70) ? '2026-01-01T00:00:00Z' : one(random, DATES);
      default:
        return aText(random, name);
    }
  };
  /** A value for a type; now and then one that it does not take. */
  const aValue = (random: Random, type: GraphQLInputType, name: string, of: string, depth = 0): unknown => {
    if (below(random, 300) === 0) return one<unknown>(random, [null, 7, 'x', [], {}, [[null]], true, { a: { b: 1 } }]);
    if (!isNonNullType(type) && chance(random, 5)) return null;
    const bare = getNullableType(type);
    if (isListType(bare)) {
      const length = chance(random, 3) ? 120 : below(random, name === 'ids' ? 20 : 4);
      return Array.from({ length }, () => aValue(random, bare.ofType, name, of, depth));
    }
    if (isEnumType(bare)) return chance(random, 99) ? one(random, bare.getValues()).name : 'NO_SUCH_VALUE';
    if (!isInputObjectType(bare)) return aScalar(random, bare, name, of);
    const fields = Object.values(bare.getFields());
    const chosen = bare.isOneOf && chance(random, 90) ? [one(random, fields)] : fields.filter((field) => isGiven(random, field, depth));
    return Object.fromEntries([
      ...chosen.map((field) => [field.name, aValue(random, field.type, field.name, of, depth + 1)]),
      ...(chance(random, 1) ? [['unknown', 1]] : []),
    ]) as unknown;
  };
  const isGiven = (random: Random, { type, name }: GraphQLArgument | GraphQLInputField, depth: number): boolean => {
    if (name === 'clientId') return chance(random, 10);
    if (isNonNullType(type)) return below(random, 300) > 0;
    if (/^(after|before|last)$/.test(name)) return chance(random, 6);
    // What is asked without its id is asked of nothing.
    return depth < 3 && chance(random, getNamedType(type).name === 'ID' ? 60 : 25);
  };

  interface Draft {
    readonly declared: string[];
    readonly variables: Record<string, unknown>;
  }
  const argumentsOf = (random: Random, { args, name: of }: GraphQLField<unknown, unknown>, draft: Draft): string => {
    const given = args.flatMap((arg) => {
      if (!isGiven(random, arg, 0)) return [];
      const variable = `v${draft.declared.length}`;
      draft.declared.push(`$${variable}: ${String(arg.type)}`);
      draft.variables[variable] = aValue(random, arg.type, arg.name, NOUNS.exec(of)?.[0].toLowerCase() ?? of);
      return [`${arg.name}: $${variable}`];
    });
    return given.length === 0 ? '' : `(${given.join(', ')})`;
  };
  const selectionOf = (random: Random, type: GraphQLNamedType, draft: Draft, depth: number): string => {
    if (!isCompositeType(type)) return '';
    if (isInterfaceType(type) || isUnionType(type)) {
      const parts = schema.getPossibleTypes(type).filter(() => chance(random, 60));
      return `{ __typename ${parts.map((each) => `... on ${each.name} ${selectionOf(random, each, draft, depth + 1)}`).join(' ')} }`;
    }
    const fields = Object.values(type.getFields()).filter((field) => chance(random, depth < 2 ? 70 : 35) || field.name === 'id');
    const chosen = fields.flatMap((field) => {
      const named = getNamedType(field.type);
      if (isCompositeType(named) && depth >= MAX_DEPTH) return [];
      const alias = `f${below(random, 1_000_000)}_${field.name}`;
      return [`${alias}: ${field.name}${argumentsOf(random, field, draft)} ${selectionOf(random, named, draft, depth + 1)}`];
    });
    return `{ __typename ${chosen.join(' ')} }`;
  };
  /** A text that is broken somewhere. */
  const broken = (random: Random, text: string): string => {
    const at = below(random, text.length + 1);
    const inserted = one(random, [
      '',
      '{',
      '}',
      '"',
      '...',
      '$',
      '@skip(if: true)',
      '\0',
      'fragment F on Query { ...F }',
      '#',
      '"""',
      ')',
      strange(random, 5),
    ]);
    return text.slice(0, at) + inserted + text.slice(at + below(random, 4));
  };

  const roots = [
    { kind: 'query', type: schema.getQueryType(), weight: 10 },
    { kind: 'mutation', type: schema.getMutationType(), weight: 8 },
    { kind: 'subscription', type: schema.getSubscriptionType(), weight: 4 },
  ] as const;
  const weighed = roots.flatMap((root) => Array.from({ length: root.weight }, () => root));
  // By a seed alone: an operation draws hundreds of lots, for each of which fast-check would make an arbitrary.
  return fc.nat({ max: 0x7fff_ffff }).map((seed) => {
    const random = createRandom(seed);
    const { kind, type } = one(random, weighed);
    if (!isObjectType(type)) throw new Error('The schema lacks a root.');
    const fields = Object.values(type.getFields()).filter(({ name }) => !ENDING.has(name));
    // By an id of any type everything can be had.
    const about = fields.filter(takesId).flatMap((field) => (/^nodes?$/.test(field.name) ? [field, field, field] : [field]));
    const draft: Draft = { declared: [], variables: {} };
    const parts = Array.from({ length: kind === 'subscription' ? 1 : 1 + below(random, 3) }, (_, n) => {
      const field = one(random, chance(random, 70) ? about : fields);
      return `r${n}: ${field.name}${argumentsOf(random, field, draft)} ${selectionOf(random, getNamedType(field.type), draft, 0)}`;
    });
    const declared = draft.declared.length === 0 ? '' : `(${draft.declared.join(', ')})`;
    const query = `${kind} Fuzzed${declared} { ${parts.join(' ')} }`;
    return { kind, query: chance(random, 6) ? broken(random, query) : query, variables: draft.variables };
  });
};
