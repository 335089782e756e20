import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { generate, type CodegenConfig } from '@graphql-codegen/cli';
import {
  buildSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import config from '../../codegen.js';

const ROOT = resolve(import.meta.dirname, '../..');
const SCHEMA = join(ROOT, 'schema.graphql');

/** An operation for each root field, with everything it takes and what it gives to a depth of four. */
const operationsOfAll = (sdl: string): string => {
  const schema = buildSchema(sdl);
  const select = (type: GraphQLOutputType, depth: number): string | null => {
    const named = getNamedType(type);
    if (isLeafType(named)) return '';
    if (isAbstractType(named))
      return `{ __typename ${schema
        .getPossibleTypes(named)
        .map((each) => `... on ${each.name} { __typename }`)
        .join(' ')} }`;
    if (depth === 0) return null;
    const fields = Object.values(named.getFields() as Record<string, GraphQLField<unknown, unknown>>).flatMap((field) => {
      const selected = field.args.some((arg) => arg.type.toString().endsWith('!')) ? null : select(field.type, depth - 1);
      return selected === null ? [] : [`${field.name} ${selected}`];
    });
    return fields.length === 0 ? null : `{ ${fields.join(' ')} }`;
  };
  const operationsOf = (keyword: string, root: GraphQLObjectType | null | undefined): string[] =>
    Object.values(root?.getFields() ?? {}).map(({ name, args, type }) => {
      const declared = args.map((arg) => `$${arg.name}: ${arg.type.toString()}`).join(', ');
      const passed = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
      return `${keyword} ${keyword}_${name}${declared && `(${declared})`} { ${name}${passed && `(${passed})`} ${select(type, 4) ?? ''} }`;
    });
  return [
    ...operationsOf('query', schema.getQueryType()),
    ...operationsOf('mutation', schema.getMutationType()),
    ...operationsOf('subscription', schema.getSubscriptionType()),
  ].join('\n');
};

/** What codegen.ts generates from `documents`, with or without masks: file names and texts. */
const generated = async (documents: string, fragmentMasking: boolean): Promise<ReadonlyMap<string, string>> => {
  const output = config.generates['tests/generated/'];
  const options: CodegenConfig = {
    ...config,
    silent: true,
    schema: SCHEMA,
    generates: { 'generated/': { ...output, documents, presetConfig: { fragmentMasking } } },
  };
  const files = (await generate(options, false)) as { filename: string; content: string }[];
  return new Map(files.map(({ filename, content }) => [basename(filename), content]));
};

/** The compiler's complaints, under the settings of our own tsconfig.json, about files that exist only here. */
const complaints = (sources: ReadonlyMap<string, string>): string[] => {
  const read = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile.bind(ts.sys)).config as object;
  const { options } = ts.parseJsonConfigFileContent({ ...read, include: [], files: [] }, ts.sys, ROOT);
  const folder = join(ROOT, 'tests', 'in-memory');
  const files = new Map([...sources].map(([name, text]) => [join(folder, name), text]));
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...files.keys()], options, {
    ...host,
    fileExists: (file) => files.has(resolve(file)) || host.fileExists(file),
    readFile: (file) => files.get(resolve(file)) ?? host.readFile(file),
    directoryExists: (path) => [...files.keys()].some((file) => dirname(file) === resolve(path)) || (host.directoryExists?.(path) ?? true),
    getSourceFile: (file, version, ...rest) => {
      const text = files.get(resolve(file));
      return text === undefined ? host.getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version);
    },
  });
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const where = diagnostic.file ? basename(diagnostic.file.fileName) : '';
    return `${where}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
};

/** How a frontend uses what was generated; `body` works with the data of a query. */
const usage = (body: string): string => `
  import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
  import { graphql, useFragment } from './index.js';
  const Card = graphql(\`fragment Card on Post { id createdAt }\`);
  const Query = graphql(\`query All($first: Int) { posts(first: $first) { edges { node { body ...Card } } } }\`);
  export const variables: VariablesOf<typeof Query> = { first: 10 };
  export const use = (data: ResultOf<typeof Query>): string[] => (data.posts?.edges ?? []).map(({ node }) => ${body});
  export const keep = [Card, useFragment];
`;

describe('code generated with codegen.ts', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lyceum-codegen-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([true, false])('compiles for every operation of the schema, masked: %s', async (masked) => {
    const operations = join(folder, `all-${masked ? 'masked' : 'unmasked'}.graphql`);
    await writeFile(operations, operationsOfAll(await readFile(SCHEMA, 'utf8')));
    const files = await generated(operations, masked);
    expect(files.get('graphql.ts')).toContain('Query_PostsQuery');
    expect(complaints(files)).toEqual([]);
  });

  it('types what is used, with masks and without', async () => {
    const plain = usage('node.body + node.createdAt');
    const unmasking = usage('node.body + useFragment(Card, node).createdAt');
    const source = join(folder, 'usage.ts');
    await writeFile(source, plain);
    const [masked, unmasked] = [await generated(source, true), await generated(source, false)];

    expect(complaints(new Map([...masked, ['usage.ts', unmasking]]))).toEqual([]);
    expect(complaints(new Map([...masked, ['usage.ts', plain]]))).toEqual([expect.stringContaining("'createdAt' does not exist")]);

    const withoutMasks = (text: string): string => text.replace('graphql, useFragment }', 'graphql }').replace(', useFragment]', ']');
    expect(complaints(new Map([...unmasked, ['usage.ts', withoutMasks(plain)]]))).toEqual([]);
    const wrong = withoutMasks(usage('node.likes'));
    expect(complaints(new Map([...unmasked, ['usage.ts', wrong]]))).toEqual([expect.stringContaining("'likes' does not exist")]);
  });
});

describe('the installed packages', () => {
  it('hold one graphql', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, unknown> };
    expect(Object.keys(packages).filter((path) => path.endsWith('node_modules/graphql'))).toEqual(['node_modules/graphql']);
  });
});
