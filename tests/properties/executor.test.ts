import { setImmediate as turn } from 'node:timers/promises';
import fc from '../kit/cases.js';
import type { GraphQLScalarType } from 'graphql';
import {
  buildSchema,
  execute,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isUnionType,
  parse,
  responsePathAsArray,
  validate,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/server/execution/executor/executor.js';

const FIELDS = `
  id: ID!
  text(of: In, loud: Boolean! = false, n: Int): String
  sureText: String!
  number: Int
  sureNumber: Float!
  yes: Boolean
  colour: Colour
  odd: Odd
  sureOdd: Odd!
  numbers: [Int]
  sureNumbers: [[Int!]!]!
  thing(of: In): Thing
  sureThing: Thing!
  a: A
  sureA(n: Int = 3): A!
  both: [AB]
  sureBoth: [AB!]!
  things: [Thing!]
  as: [A!]!
  bs: [B]`;

const schema = buildSchema(`
  scalar Odd
  enum Colour { RED GREEN }
  input In { n: Int = 1, words: [String!], colour: Colour }
  interface Thing { ${FIELDS} }
  type A implements Thing { ${FIELDS} onlyA: String! }
  type B implements Thing { ${FIELDS} onlyB: String }
  union AB = A | B
  type Query { ${FIELDS} }
  type Mutation { ${FIELDS} }
`);

/** What happens at a place of the result: drawn from the place and the seed, so that both executors meet the same. */
const drawn = (seed: number, place: string): number => {
  let hash = seed;
  for (const char of place) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  return (hash ^ (hash >>> 12)) >>> 0;
};

interface World {
  readonly seed: number;
  /** Of a hundred values, how many fail, are null, and come later. */
  readonly failures: number;
  readonly nulls: number;
  readonly delays: number;
  /** What was promised, and what gives it. */
  readonly promised: Map<string, () => void>;
}

/** Perhaps a promise of what `make` gives or throws. Some are none of JavaScript's own. */
const perhapsLater = (world: World, place: string, make: () => unknown): unknown => {
  if (drawn(world.seed, `${place} later`) % 100 >= world.delays) return make();
  const promise = new Promise((resolve) => world.promised.set(place, () => resolve(null))).then(make);
  return drawn(world.seed, `${place} foreign`) % 4 === 0 ? { then: promise.then.bind(promise) } : promise;
};

const valueOf = (world: World, type: GraphQLOutputType, place: string): unknown => {
  const { seed, failures, nulls } = world;
  const chance = drawn(seed, `${place} fate`) % 100;
  if (chance < failures) {
    if (chance % 3 === 0) return new Error(`${place} is an error`);
    throw new Error(`${place} fails`);
  }
  if (chance < failures + nulls) return chance % 2 === 0 ? null : undefined;
  const inner = isNonNullType(type) ? type.ofType : type;
  const number = drawn(seed, `${place} value`);
  if (isListType(inner)) {
    if (number % 40 === 0) return 'no list';
    const item = (_: unknown, index: number): unknown => {
      const at = `${place}.${index}`;
      const made = (): unknown => valueOf(world, inner.ofType, at);
      // A throw within an array would be the field's.
      return perhapsLater(world, at, () => perhapsError(made));
    };
    const items = Array.from({ length: number % 4 }, item);
    return number % 5 === 0 ? new Set(items) : items;
  }
  if (isEnumType(inner)) return ['RED', 'GREEN', 'BLUE'][number % 9] ?? 'RED';
  if (isScalarType(inner)) return scalarOf(inner, number);
  return { is: number % 2 === 0 ? 'A' : 'B', place };
};

const perhapsError = (make: () => unknown): unknown => {
  try {
    return make();
  } catch (error) {
    return error;
  }
};

const scalarOf = ({ name }: GraphQLScalarType, number: number): unknown => {
  if (name === 'Int') return number % 15 === 0 ? 1.5 : (number % 1_000) - 500;
  if (name === 'Float') return number % 15 === 0 ? Number.NaN : number / 7;
  if (name === 'Boolean') return number % 5 === 0 ? number % 2 : number % 2 === 0;
  if (name === 'Odd') return number;
  return number % 10 === 0 ? { valueOf: () => `v${number}` } : number % 17 === 0 ? {} : `s${number}`;
};

Object.assign(schema.getType('Odd') as GraphQLScalarType, {
  serialize: (value: number) => {
    if (value % 11 === 0) throw new Error('Odd cannot be that.');
    return value % 13 === 0 ? null : { odd: value };
  },
});

const resolve = (source: { readonly place?: string } | undefined, args: object, world: World, info: GraphQLResolveInfo): unknown => {
  const place = responsePathAsArray(info.path).join('.');
  const seen = [source?.place ?? '', args, info.fieldName, info.parentType.name, info.fieldNodes.length, info.variableValues];
  if (info.fieldName === 'text')
    return perhapsLater(world, place, () => valueOf(world, info.returnType, place) && JSON.stringify([...seen, place]));
  return perhapsLater(world, place, () => valueOf(world, info.returnType, place));
};

for (const type of Object.values(schema.getTypeMap())) {
  if (type.name.startsWith('__')) continue;
  if (isObjectType(type)) {
    for (const field of Object.values(type.getFields())) field.resolve = resolve;
    // Some rows are of no type that they may have.
    if (type.name === 'B')
      type.isTypeOf = (value: { readonly place: string }, world: World) =>
        perhapsLater(world, `${value.place} isTypeOf`, () => drawn(world.seed, `${value.place} is`) % 20 !== 0) as boolean;
  }
  if (isInterfaceType(type) || isUnionType(type))
    type.resolveType = (value: { readonly is: string; readonly place: string }, world: World) =>
      perhapsLater(world, `${value.place} type`, () => {
        const chance = drawn(world.seed, `${value.place} type`) % 40;
        if (chance === 0) throw new Error('This is of no type.');
        return { 1: undefined, 2: 'Nothing', 3: 'Odd', 4: 'Query', 5: 7 }[chance] ?? value.is;
      }) as string;
}

// ---------------------------------------------------------------- documents

const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  text: ['', '(n: $n)', '(loud: true)', '(of: { n: $n })', '(of: { words: ["a", $word] })', '(of: $in, loud: $loud)', '(of: null)'],
  thing: ['', '(of: $in)', '(of: { colour: GREEN })'],
  sureA: ['', '(n: $n)', '(n: null)'],
};

const CONDITIONS = [
  '',
  '',
  '',
  '',
  '@skip(if: $flag)',
  '@include(if: $flag)',
  '@include(if: $perhaps)',
  '@skip(if: true)',
  '@skip(if: false) @include(if: $flag)',
];

type Draw = <Value>(values: readonly Value[]) => Value;

const selectionOf = (draw: Draw, type: GraphQLNamedType, depth: number): string => {
  const parts = Array.from({ length: draw([1, 2, 3, 4]) }, () => {
    const condition = draw(CONDITIONS);
    const kind = draw(['field', 'field', 'field', 'field', 'inline', 'spread', 'typename']);
    if (kind === 'typename' || (isUnionType(type) && kind === 'field'))
      return `${draw(['', 'kind: ', '__proto__: '])}__typename ${condition}`;
    if (kind === 'inline' && depth > 0) {
      const on = schema.getType(
        draw(
          type.name === 'Query' || type.name === 'Mutation'
            ? [type.name]
            : isObjectType(type)
              ? [type.name, 'Thing', 'AB']
              : ['A', 'B', 'Thing', 'AB'],
        ),
      ) as GraphQLNamedType;
      return `... on ${on.name} ${condition} { ${selectionOf(draw, on, depth - 1)} }`;
    }
    if (kind === 'spread' && !['Query', 'Mutation'].includes(type.name))
      return `...${draw(type.name === 'B' ? ['OnThing'] : ['OnThing', 'OnA'])} ${condition}`;
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const usable = fields.filter((field) => depth > 0 || !hasFields(getNamedType(field.type)));
    if (usable.length === 0) return '__typename';
    const field = draw(usable);
    const given = draw(ARGUMENTS[field.name] ?? ['']);
    const named = getNamedType(field.type);
    // The same name of the result for the same field and arguments, so that fields merge.
    const name = given === '' ? draw(['', `other_${field.name}: `]) : `${field.name}_${Buffer.from(given).toString('hex')}: `;
    return `${name}${field.name}${given} ${condition} ${hasFields(named) ? `{ ${selectionOf(draw, named, depth - 1)} }` : ''}`;
  });
  return parts.join(' ');
};

const hasFields = (type: GraphQLNamedType): boolean => isObjectType(type) || isInterfaceType(type) || isUnionType(type);

const documentOf = (draw: Draw, kind: 'query' | 'mutation'): string => {
  const root = schema.getType(kind === 'query' ? 'Query' : 'Mutation') as GraphQLNamedType;
  // A fragment must not spread itself.
  const inFragment = (name: string): string =>
    selectionOf(draw, schema.getType(name) as GraphQLNamedType, 1).replaceAll(/\.\.\.On\w+/g, '__typename');
  return `${kind} Asked($flag: Boolean!, $perhaps: Boolean = true, $n: Int, $word: String = "w", $in: In, $loud: Boolean = true) {
    ${selectionOf(draw, root, 3)} used: text(n: $n, loud: $loud, of: { words: [$word] }) @skip(if: $flag) @include(if: $perhaps) also: thing(of: $in) { ...OnA ...OnThing } }
    fragment OnA on A { ${inFragment('A')} }
    fragment OnThing on Thing { ${inFragment('Thing')} ...OnA }`;
};

// ---------------------------------------------------------------- running

/** Executes; what is promised comes one by one, in an order of the seed, each when nothing else is to be done. */
const run = async (
  by: (args: ExecutionArgs) => ExecutionResult | PromiseLike<ExecutionResult>,
  args: Omit<ExecutionArgs, 'contextValue' | 'schema'>,
  given: Omit<World, 'promised'>,
): Promise<unknown> => {
  const world: World = { ...given, promised: new Map() };
  const over: ExecutionResult[] = [];
  void Promise.resolve(by({ ...args, schema, contextValue: world })).then((each) => over.push(each));
  for (;;) {
    await turn();
    const [result] = over;
    if (result !== undefined)
      return { text: JSON.stringify(result), errors: result.errors?.map((error) => [error.message, error.path, error.locations]) };
    const [next] = [...world.promised.keys()].sort((one, other) => drawn(world.seed, one) - drawn(world.seed, other));
    if (next === undefined) throw new Error('It waits for nothing.');
    world.promised.get(next)?.();
    world.promised.delete(next);
  }
};

const chances = fc.constantFrom(0, 3, 10, 30);

// graphql-js leaves rejections that nobody handles: of the items of a list before one that fails at once.
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
const others = process.listeners('unhandledRejection');

beforeAll(() => {
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', note);
});

afterAll(() => {
  process.off('unhandledRejection', note);
  for (const each of others) process.on('unhandledRejection', each);
});

describe('the executor', () => {
  it.each(['query', 'mutation'] as const)(
    'gives what graphql-js gives for any %s, with the same errors in the same order',
    async (kind) => {
      const mine = createExecutor(schema);
      const worlds = fc.array(
        fc.record({
          seed: fc.nat(),
          failures: chances,
          nulls: chances,
          delays: fc.constantFrom(0, 20, 100),
          variables: fc.record(
            {
              flag: fc.boolean(),
              perhaps: fc.constantFrom(true, false, null),
              n: fc.constantFrom(1, null),
              word: fc.constantFrom('x', null),
              in: fc.constantFrom({}, { n: 4, words: ['y'] }, null),
              loud: fc.constantFrom(true, false, null),
            },
            { requiredKeys: ['flag'] },
          ),
        }),
        { minLength: 1, maxLength: 3 },
      );
      await fc.assert(
        fc.asyncProperty(fc.gen(), worlds, async (gen, each) => {
          const document = parse(documentOf((values) => values[gen(fc.nat, values.length - 1)] as never, kind));
          expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
          for (const { variables: variableValues, ...world } of each) {
            const args = { document, variableValues, rootValue: { place: 'root' } };
            const theirs = await run(execute, args, world);
            unhandled.length = 0;
            expect(await run(mine, args, world)).toEqual(theirs);
            expect(unhandled).toEqual([]);
          }
        }),
        { numRuns: 150 },
      );
    },
  );

  it('plans a document once, and forgets all plans when they are of many fields', async () => {
    const mine = createExecutor(schema, 100);
    const places: unknown[] = [];
    const contextValue: World = { seed: 1, failures: 0, nulls: 0, delays: 0, promised: new Map() };
    const document = parse('{ a { id } }');
    const id = (schema.getType('A') as GraphQLObjectType).getFields()['id'];
    const before = id?.resolve;
    Object.assign(id ?? {}, {
      resolve: (_row: unknown, _args: object, _context: World, { fieldNodes }: GraphQLResolveInfo) => places.push(fieldNodes),
    });
    try {
      await mine({ document, contextValue });
      await mine({ document, contextValue });
      expect(places).toHaveLength(2);
      expect(places[1]).toBe(places[0]);
      const many = Array.from({ length: 200 }, (_, index) => `n${index}: number`).join(' ');
      await mine({ document: parse(`{ ${many} }`), contextValue });
      await mine({ document, contextValue });
      expect(places[2]).toEqual(places[0]);
      expect(places[2]).not.toBe(places[0]);
    } finally {
      Object.assign(id ?? {}, { resolve: before });
    }
  });
});
