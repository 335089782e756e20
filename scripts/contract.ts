import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
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
  return findBreakingChanges(buildASTSchema(kept, { assumeValid: true }), buildASTSchema(after, { assumeValid: true }))
    .map(({ description }) => description)
    // That nothing is a Float any longer is no change of its own.
    .filter((description) => !description.startsWith('Standard scalar'));
};

/** The released schema without what was deprecated in it and is gone. */
const withoutWithdrawn = (before: DocumentNode, after: DocumentNode): DocumentNode => {
  const present = members(after);
  const kept = visit(before, {
    enter: (node, _key, _parent, _path, ancestors) =>
      isDeprecated(node) && !present.has(memberName(node, ancestors)) ? null : undefined,
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
  [...ancestors, node]
    .flatMap((each) => ('kind' in each && 'name' in each ? [each.name.value] : []))
    .join('.');

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

/** The newest release that came before the present commit; null when there is none. */
export const lastRelease = (cwd: string): string | null => {
  const tags = git(cwd, '-c', 'versionsort.suffix=-', 'tag', '--list', 'v[0-9]*', '--merged', 'HEAD', '--no-contains', 'HEAD', '--sort=-version:refname');
  return tags.split('\n', 1)[0]?.trim() || null;
};

/** The contract of a release; null when it had none. */
export const releasedSchema = (cwd: string, tag: string): string | null =>
  git(cwd, 'ls-tree', '--name-only', tag, '--', 'schema.graphql') === '' ? null : git(cwd, 'show', `${tag}:schema.graphql`);

const git = (cwd: string, ...args: string[]): string => {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
};
