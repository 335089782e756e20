import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  buildASTSchema,
  findBreakingChanges,
  GraphQLDeprecatedDirective,
  Kind,
  parse,
  visit,
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
} from 'graphql';

/** The contract: the schema as it is committed. */
export const SCHEMA_FILE = resolve(import.meta.dirname, '../schema.graphql');

/**
 * What of a release's schema no longer holds, in graphql-js' words. What the release had marked as deprecated may be gone
 * without a word, and with it the types that were reached by nothing else; it may not be changed.
 */
export const unannouncedChanges = (released: string, present: string): string[] => {
  const before = parse(released);
  const after = parse(present);
  const kept = withoutWithdrawn(before, after);
  return (
    findBreakingChanges(buildASTSchema(kept, { assumeValid: true }), buildASTSchema(after, { assumeValid: true }))
      .map(({ description }) => description)
      // That nothing is a Float any longer is no change of its own.
      .filter((description) => !description.startsWith('Standard scalar'))
  );
};

/** The released schema without what was deprecated in it and is gone. */
const withoutWithdrawn = (before: DocumentNode, after: DocumentNode): DocumentNode => {
  const present = members(after);
  const kept = visit(before, {
    enter: (node, _key, _parent, _path, ancestors) => (isDeprecated(node) && !present.has(memberName(node, ancestors)) ? null : undefined),
  });
  const [wasReached, isReached] = [reachedTypes(before), reachedTypes(kept)];
  return {
    ...kept,
    definitions: kept.definitions.filter((definition) => {
      const name = typeName(definition);
      return name === null || present.has(name) || isReached.has(name) || !wasReached.has(name);
    }),
  };
};

const isDeprecated = (node: ASTNode): boolean =>
  'directives' in node && (node.directives ?? []).some((directive) => directive.name.value === GraphQLDeprecatedDirective.name);

type Ancestors = readonly (ASTNode | readonly ASTNode[])[];

/** `Post.comments.first` for an argument, `Post` for a type. */
const memberName = (node: ASTNode, ancestors: Ancestors): string =>
  [...ancestors, node].flatMap((each) => ('kind' in each && 'name' in each ? [each.name.value] : [])).join('.');

/** Every type, field, argument, input field and enum value. */
const members = (document: DocumentNode): ReadonlySet<string> => {
  const names = new Set<string>();
  visit(document, {
    enter: (node, _key, _parent, _path, ancestors) => {
      if (node.kind.endsWith('Definition')) names.add(memberName(node, ancestors));
    },
  });
  return names;
};

const typeName = (definition: DefinitionNode): string | null =>
  'fields' in definition || 'types' in definition || 'values' in definition || definition.kind === Kind.SCALAR_TYPE_DEFINITION
    ? definition.name.value
    : null;

/** The types that the root types lead to, by being named: what only an interface leads to is none of them. */
const reachedTypes = (document: DocumentNode): ReadonlySet<string> => {
  const named = new Map<string, string[]>();
  const reached = new Set<string>();
  for (const definition of document.definitions) {
    const targets: string[] = [];
    visit(definition, { NamedType: ({ name }) => void targets.push(name.value) });
    if (definition.kind === Kind.SCHEMA_DEFINITION) for (const target of targets) reached.add(target);
    const name = typeName(definition);
    if (name !== null) named.set(name, targets);
  }
  // Without a `schema` definition these are the root types.
  if (reached.size === 0) for (const root of ['Query', 'Mutation', 'Subscription']) reached.add(root);
  for (const type of reached) for (const target of named.get(type) ?? []) reached.add(target);
  return reached;
};

export interface Release {
  readonly version: string;
  /** Whose schema.graphql it is. */
  readonly commit: string;
  readonly schema: string;
}

/** The contract of the last release: committed files, since tags do not travel with every clone. */
export const RELEASE_FOLDER = join(dirname(SCHEMA_FILE), 'release');

/**
 * The release that a folder holds; null before the first one.
 * @throws when only a part of it is there, or when `VERSION` is not "version commit"
 */
export const lastRelease = async (folder: string): Promise<Release | null> => {
  const [named, schema] = await Promise.all(
    ['VERSION', 'schema.graphql'].map((name) => readFile(join(folder, name), 'utf8').catch(() => null)),
  );
  if (typeof named !== 'string' && typeof schema !== 'string') return null;
  const [, version, commit] = /^(\d+\.\d+\.\d+) ([0-9a-f]{40})\n$/.exec(named ?? '') ?? [];
  if (version === undefined || commit === undefined || typeof schema !== 'string') {
    throw new Error('release/ needs both schema.graphql and VERSION, which says "version commit". `npm run release:cut` writes them.');
  }
  return { version, commit, schema };
};

/** Writes what {@link lastRelease} reads. */
export const cutRelease = async (folder: string, { version, commit, schema }: Release): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'schema.graphql'), schema);
  await writeFile(join(folder, 'VERSION'), `${version} ${commit}\n`);
};

/** Whether a changelog has a section for a version, with its day. */
export const hasSection = (changelog: string, version: string): boolean =>
  changelog.split('\n').some((line) => line.startsWith(`## [${version}] - `) && /\d{4}-\d{2}-\d{2}$/.test(line));
