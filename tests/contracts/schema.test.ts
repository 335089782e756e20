import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  isSpecifiedScalarType,
  type GraphQLNamedType,
} from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutRelease, hasSection, lastRelease, RELEASE_FOLDER, SCHEMA_FILE, unannouncedChanges } from '../../scripts/contract.js';
import { printedSchema, schema } from '../../src/process/schema.js';

describe('the schema', () => {
  it('is what schema.graphql says', async () => {
    expect(await readFile(SCHEMA_FILE, 'utf8'), 'npm run schema:print writes it').toBe(printedSchema());
  });

  it('describes every type, field, argument, input field and enum value', () => {
    const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));
    const described = types.flatMap(describedParts);
    expect(described.length).toBeGreaterThan(100);
    expect(described.filter(([, description]) => !description?.trim()).map(([name]) => name)).toEqual([]);
  });
});

describe('the schema, as tools read it', () => {
  const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));

  it('has a description of its own, which is printed with it', () => {
    expect(schema.description?.trim()).toBeTruthy();
    expect(printedSchema()).toMatch(/^"""\nThe API of Lyceum/);
  });

  it('says of each scalar of its own where it is specified', () => {
    const scalars = types.filter((type) => isScalarType(type));
    expect(scalars.map(({ name }) => name)).toEqual(expect.arrayContaining(['DateTime', 'HexColor']));
    expect(scalars.filter(({ specifiedByURL }) => !URL.canParse(specifiedByURL ?? '')).map(({ name }) => name)).toEqual([]);
  });

  it.each([
    ['in the code', schema],
    ['as it is committed', buildSchema(printedSchema())],
  ])('names what must be given before what may be left out, %s', (_where, built) => {
    const lists = Object.values(built.getTypeMap()).flatMap((type): [string, boolean[]][] => {
      if (isInputObjectType(type)) return [[type.name, Object.values(type.getFields()).map(isRequiredInputField)]];
      if (!isObjectType(type) && !isInterfaceType(type)) return [];
      return Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field.args.map(isRequiredArgument)]);
    });
    expect(
      lists
        .filter(([, required]) => required.lastIndexOf(true) > required.indexOf(false) && required.includes(false))
        .map(([name]) => name),
    ).toEqual([]);
  });

  it('names a successor in every reason for a deprecation', () => {
    const reasons = [...printedSchema().matchAll(/@deprecated(?:\(reason: "(.*)"\))?/g)].map(([, reason = '']) => reason);
    expect(reasons.filter((reason) => !/`[^`]+`/.test(reason))).toEqual([]);
  });
});

type Described = readonly [name: string, description: string | null | undefined];

const describedParts = (type: GraphQLNamedType): Described[] => {
  const own: Described = [type.name, type.description];
  if (isEnumType(type)) return [own, ...type.getValues().map((value): Described => [`${type.name}.${value.name}`, value.description])];
  if (isInputObjectType(type)) {
    return [own, ...Object.values(type.getFields()).map((field): Described => [`${type.name}.${field.name}`, field.description])];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [own];
  const fields = Object.values(type.getFields()).flatMap((field): Described[] => [
    [`${type.name}.${field.name}`, field.description],
    ...field.args.map((arg): Described => [`${type.name}.${field.name}(${arg.name}:)`, arg.description]),
  ]);
  return [own, ...fields];
};

describe('breaking changes', () => {
  it.each([
    ['nothing', 'type Query { a: Int }', 'type Query { a: Int }'],
    ['what is added', 'type Query { a(x: Int): Int }', 'type Query { a(x: Int, y: Int): Int! b: E } enum E { P }'],
    ['a removed field that was deprecated', 'type Query { a: Int @deprecated b: Int }', 'type Query { b: Int }'],
    ['a removed argument that was deprecated', 'type Query { a(x: Int @deprecated, y: Int): Int }', 'type Query { a(y: Int): Int }'],
    [
      'a removed input field that was deprecated',
      'type Query { a(i: I): Int } input I { x: Int @deprecated(reason: "no") y: Int }',
      'type Query { a(i: I): Int } input I { y: Int }',
    ],
    ['a removed enum value that was deprecated', 'type Query { a: E } enum E { P @deprecated Q }', 'type Query { a: E } enum E { Q }'],
    [
      'removed types that only deprecated fields led to',
      `type Query { olds(by: Order): OldConnection @deprecated b: Int } type OldConnection { nodes: [Old] } type Old implements Node { id: ID again: Old }
       enum Order { UP } interface Node { id: ID }`,
      'type Query { b: Int } interface Node { id: ID }',
    ],
    ['a field that is still deprecated', 'type Query { a: Int @deprecated b: Int }', 'type Query { a: Int @deprecated b: Int }'],
  ])('%s is none', (_name, released, present) => {
    expect(unannouncedChanges(released, present)).toEqual([]);
  });

  it.each([
    ['a removed field', 'type Query { a: Int b: Int }', 'type Query { b: Int }', ['Query.a was removed.']],
    ['a removed argument', 'type Query { a(x: Int): Int }', 'type Query { a: Int }', ['Query.a arg x was removed.']],
    ['a removed enum value', 'type Query { a: E } enum E { P Q }', 'type Query { a: E } enum E { Q }', ['P was removed from enum type E.']],
    ['a nullable field', 'type Query { a: Int! }', 'type Query { a: Int }', ['Query.a changed type from Int! to Int.']],
    [
      'another type of a deprecated field',
      'type Query { a: Int @deprecated }',
      'type Query { a: String }',
      ['Query.a changed type from Int to String.'],
    ],
    ['a new required argument', 'type Query { a: Int }', 'type Query { a(x: Int!): Int }', ['A required arg x on Query.a was added.']],
    [
      'a new required input field',
      'type Query { a(i: I): Int } input I { x: Int }',
      'type Query { a(i: I): Int } input I { x: Int y: Int! }',
      ['A required field y on input type I was added.'],
    ],
    [
      'a removed type that something else leads to',
      'type Query { old: Old @deprecated b: B } type B { old: Old } type Old { x: Int }',
      'type Query { b: B } type B { x: Int }',
      ['Old was removed.', 'B.old was removed.'],
    ],
    [
      'a removed type that its interface leads to',
      'type Query { node: Node } interface Node { id: ID } type Old implements Node { id: ID }',
      'type Query { node: Node } interface Node { id: ID }',
      ['Old was removed.'],
    ],
    [
      'a deprecation that begins with the removal',
      'type Query { a: Int b: Int }',
      'type Query { b: Int @deprecated }',
      ['Query.a was removed.'],
    ],
  ])('%s is one', (_name, released, present, changes) => {
    expect(unannouncedChanges(released, present)).toEqual(changes);
  });
});

describe('the last release', () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'lyceum-release-')), 'release');
  });
  afterEach(() => rm(dirname(folder), { recursive: true, force: true }));

  const RELEASE = { version: '0.9.0', commit: 'a'.repeat(40), schema: 'type Query { a: Int }\n' };

  it('is none before the first one is cut', async () => {
    expect(await lastRelease(folder)).toBeNull();
  });

  it('is the one that was cut last', async () => {
    await cutRelease(folder, RELEASE);
    await cutRelease(folder, { ...RELEASE, version: '0.10.0' });
    expect(await lastRelease(folder)).toEqual({ ...RELEASE, version: '0.10.0' });
  });

  it.each(['VERSION', 'schema.graphql'])('is refused without its %s, so that the comparison is never left out unseen', async (name) => {
    await cutRelease(folder, RELEASE);
    await rm(join(folder, name));
    await expect(lastRelease(folder)).rejects.toThrow('release/ needs both');
  });

  it('that is committed here is whole, and has a section in the changelog', async () => {
    const release = await lastRelease(RELEASE_FOLDER);
    const changelog = await readFile(join(dirname(SCHEMA_FILE), 'CHANGELOG.md'), 'utf8');
    expect(hasSection(changelog, release?.version ?? '0.1.0')).toBe(true);
  });
});
