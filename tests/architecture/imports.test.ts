import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * The house, from the roof down: a file imports from its own floor and from those below it, never from above. Types count as
 * well. A new file or folder of `src` needs a place here.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['main.ts', 'cli/', 'demo/seed.ts'],
  ['process/'],
  ['server/'],
  ['domains/'],
  ['graphql/', 'jobs/'],
  ['access/', 'context.ts', 'integrations/', 'markdown/', 'realtime/'],
  ['db/', 'redis/'],
  ['memory/', 'observability/', 'clock.ts', 'config.ts', 'demo/users.ts', 'errors.ts', 'root.ts', 'texts/'],
];

/** The same for the web client, in `web/src`. Beside itself it knows the client kit alone, and of the schema what is generated from it. */
const WEB_FLOORS: readonly (readonly string[])[] = [
  ['main.tsx'],
  ['app/app.tsx'],
  ['app/routes.tsx'],
  ['pages/'],
  ['app/'],
  ['design/'],
  ['api/'],
  ['i18n/'],
  ['gql/'],
];

/** The rooms of a domain that others may enter, beside the file of its main noun, which has its name (`follows/follows.ts`). */
const OPEN_ROOMS = ['schema.ts', 'topics.ts', 'rules.ts', 'jobs.ts', 'personal.ts'];

/** What tests of domains reach below GraphQL, each for a reason; all else they do as a client does it. */
const BELOW_GRAPHQL: Readonly<Record<string, string>> = {
  'account/invitations.ts': 'the first administrator is invited by the start of the server',
  'account/signed-token.ts': 'a pure function',
  'account/tokens.ts': 'tokens of other times and other keys, which no server would hand out',
  'admin/roles.ts': 'roles are given by the command line',
  'audit/seals.ts': 'sealing is a job, and looking at the seals a command',
  'audit/topics.ts': 'alerts of attacks, of which a page full would take hours to bring about',
  'conversations/join-codes.ts': 'a pure function',
  'knowledge/differences.ts': 'pure functions',
  'knowledge/import.ts': 'importing is done by the command line',
  'knowledge/markdown-files.ts': 'pure functions',
  'knowledge/page-index.ts': 'a pure function',
  'knowledge/slug.ts': 'a pure function',
  'privacy/personal-tables.ts': 'what is known of people is compared with the tables of the database',
  'presence/leases.ts': 'processes that die',
  'presence/topics.ts': 'what they leave behind',
};

/** Each file of a tree, as a path from the root, with what it imports: paths from the root, and names of packages. */
type Tree = ReadonlyMap<string, readonly string[]>;

const placeIn = (floors: typeof FLOORS, root: string, file: string): number =>
  floors.findIndex((places) => places.some((place) => (place.endsWith('/') ? file.startsWith(root + place) : file === root + place)));
const floorOf = (file: string): number => placeIn(FLOORS, 'src/', file);
const webFloorOf = (file: string): number => placeIn(WEB_FLOORS, 'web/src/', file);

const isOurs = (target: string): boolean => /^(src|tests|scripts|web)\//.test(target);
/** `vault` of a file of its page. */
const pageOf = (file: string): string | undefined => /^web\/src\/pages\/([^/]+)\//.exec(file)?.[1];
const domainOf = (file: string): string | undefined => /^src\/domains\/([^/]+)\//.exec(file)?.[1];
const inDomain = (file: string): string => file.split('/').slice(3).join('/');
/** A domain of many types has a further face for a noun of its own: `message-schema.ts`. */
const isFace = (room: string): boolean => room === 'schema.ts' || room.endsWith('-schema.ts');
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** The same for a file of the web client. */
const webObjection = (file: string, target: string): string | null => {
  if (target.startsWith('node:')) return 'the web client runs in a browser';
  if (!isOurs(target) || target.startsWith('src/client/')) return null;
  if (!target.startsWith('web/src/')) return 'the web client knows nothing but the public schema and src/client';
  if (webFloorOf(file) > webFloorOf(target)) return 'imports go down the client: routes → pages → app → design → api → i18n → gql';
  const [own, other] = [pageOf(file), pageOf(target)];
  if (own !== undefined && other !== undefined && own !== other && other !== 'not-found')
    return 'a page knows no other page: what two of them show stands in app/ or design/';
  return null;
};

/** Why `file` must not import `target`; null when it may. */
const objection = (file: string, target: string, packages: ReadonlySet<string>): string | null => {
  if (file.startsWith('web/src/')) return webObjection(file, target);
  if (file.startsWith('src/')) {
    if (!isOurs(target)) {
      if (target.startsWith('node:') || packages.has(packageOf(target))) return null;
      return 'what src imports is one of the dependencies in package.json, since a server is installed without the others';
    }
    if (!target.startsWith('src/')) return 'src knows nothing of what is outside of it';
    if (file.startsWith('src/client/')) return target.startsWith('src/client/') ? null : 'the client imports nothing of the server';
    if (floorOf(file) > floorOf(target))
      return 'imports go down the house: main, cli → process → server → domains → graphql, jobs → realtime, access → db, redis → leaves';
    const [own, other] = [domainOf(file), domainOf(target)];
    if (own !== undefined && other !== undefined) {
      const room = inDomain(target);
      if (own !== other && !OPEN_ROOMS.includes(room) && room !== `${other}.ts`) {
        return `of another domain only ${OPEN_ROOMS.join(', ')} and ${other}.ts may be imported, never its inside`;
      }
      if (isFace(room) && !isFace(inDomain(file))) return 'schema.ts is the GraphQL face: only another schema.ts looks at it';
    }
  }
  if (file.startsWith('tests/domains/') && domainOf(target) !== undefined) {
    const known = target.slice('src/domains/'.length) in BELOW_GRAPHQL;
    return known ? null : 'domains are tested through GraphQL; what cannot be is listed in BELOW_GRAPHQL with its reason';
  }
  return null;
};

/** The imports of a tree that go where they must not, and files where none should be. */
const violations = (tree: Tree, packages: ReadonlySet<string>): string[] =>
  [...tree].flatMap(([file, targets]) => [
    ...(/(^|\/)(index\.ts|utils|helpers)(\/|$)/.test(file) ? [`${file}: no barrels and no utils: a file is named after its subject`] : []),
    ...(file.startsWith('web/src/') && webFloorOf(file) < 0 ? [`${file}: has no place in WEB_FLOORS yet`] : []),
    ...(file.startsWith('src/') && !file.startsWith('src/client/') && floorOf(file) < 0 ? [`${file}: has no place in FLOORS yet`] : []),
    ...targets.flatMap((target) => {
      const rule = objection(file, target, packages);
      return rule === null ? [] : [`${file} imports ${target}: ${rule}`];
    }),
  ]);

/** The circles of a graph, each once, as `a → b → a`. */
const cycles = (graph: Tree): string[] => {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    if (way.includes(node)) found.push([...way.slice(way.indexOf(node)), node].join(' → '));
    if (done.has(node) || way.includes(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
};

/**
 * Which domains each domain imports. Its face is a place of its own, above the behaviour of all: only faces look at faces, so a face may show what
 * others know, or hand one domain's act to another, without either of them knowing the other.
 */
const domainsOf = (tree: Tree): Tree => {
  const placeOf = (file: string): string | undefined => {
    const domain = domainOf(file);
    return domain !== undefined && isFace(inDomain(file)) ? `the face of ${domain}` : domain;
  };
  const graph = new Map<string, string[]>();
  for (const [file, targets] of tree) {
    const own = placeOf(file);
    if (own === undefined) continue;
    const others = targets.flatMap((target) => placeOf(target) ?? []).filter((other) => other !== own);
    graph.set(own, [...new Set([...(graph.get(own) ?? []), ...others])]);
  }
  return graph;
};

const ROOT = resolve(import.meta.dirname, '../..');
const files = ['src', 'tests', 'scripts', 'web/src']
  .flatMap((folder) =>
    readdirSync(resolve(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
  )
  .filter((file) => /\.tsx?$/.test(file) && !/\/(generated|gql)\//.test(file));
const textOf = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');

/** `src/db/client-id.ts`, for `../../db/client-id.js` of a file in `src/domains/posts`; a package keeps its name. */
const resolveImport = (file: string, specifier: string): string => {
  if (!specifier.startsWith('.')) return specifier;
  const path = posix.join(posix.dirname(file), specifier);
  const component = path.replace(/\.js$/, '.tsx');
  return component !== path && existsSync(resolve(ROOT, component)) ? component : path.replace(/\.js$/, '.ts');
};

const readTree = (): Tree =>
  new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(textOf(file), true, true);
      return [file, importedFiles.map(({ fileName }) => resolveImport(file, fileName))];
    }),
  );

const { dependencies } = JSON.parse(textOf('package.json')) as { dependencies: Record<string, string> };
const packages = new Set(Object.keys(dependencies));

describe('the tree', () => {
  const tree = readTree();

  it('is read whole', () => {
    expect(tree.get('src/process/schema.ts')).toContain('src/domains/posts/schema.ts');
    expect(tree.get('src/db/database.ts')).toContain('src/db/generated/prisma/client.ts');
    expect(tree.get('src/graphql/builder.ts')).toContain('@pothos/core');
  });

  it('has no import that goes where it must not', () => {
    expect(violations(tree, packages)).toEqual([]);
  });

  it('has no circles, neither of files nor of domains', () => {
    expect(cycles(tree)).toEqual([]);
    expect(cycles(domainsOf(tree))).toEqual([]);
  });

  it('has no file that only hands on what others export', () => {
    const barrels = files.filter((file) => {
      const { statements } = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest);
      return statements.length > 0 && statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier);
    });
    expect(barrels).toEqual([]);
  });

  it('reaches below GraphQL only where it is listed, and lists nothing else', () => {
    const reached = [...tree].filter(([file]) => file.startsWith('tests/domains/')).flatMap(([, targets]) => targets);
    const unused = Object.keys(BELOW_GRAPHQL).filter((file) => !reached.includes(`src/domains/${file}`));
    expect(unused).toEqual([]);
  });
});

describe('the rules', () => {
  const verdict = (file: string, target: string): string[] => violations(new Map([[file, [target]]]), new Set(['graphql', '@pothos/core']));

  it.each([
    ['src/main.ts', 'src/process/app.ts'],
    ['src/server/http/http.ts', 'src/domains/account/tokens.ts'],
    ['src/domains/posts/schema.ts', 'src/domains/account/schema.ts'],
    ['src/domains/posts/posts.ts', 'src/domains/follows/follows.ts'],
    ['src/domains/posts/likes.ts', 'src/domains/posts/topics.ts'],
    ['src/domains/posts/likes.ts', 'src/domains/account/rules.ts'],
    ['src/realtime/hub.ts', 'src/db/database.ts'],
    ['src/graphql/builder.ts', '@pothos/core'],
    ['src/observability/log.ts', 'node:path'],
    ['src/client/resume.ts', 'src/client/cursor.ts'],
    ['tests/domains/posts.test.ts', 'tests/kit/app.ts'],
    ['tests/domains/slug.test.ts', 'src/domains/knowledge/slug.ts'],
    ['web/src/api/api.ts', 'src/client/resuming-client.ts'],
    ['web/src/pages/vault/vault-page.tsx', 'web/src/design/button.tsx'],
    ['web/src/app/routes.tsx', 'web/src/pages/vault/vault-page.tsx'],
    ['web/src/pages/vault/vault-page.tsx', 'react'],
  ])('let %s import %s', (file, target) => {
    expect(verdict(file, target)).toEqual([]);
  });

  it.each([
    ['src/process/app.ts', 'src/main.ts', 'imports go down the house'],
    ['src/realtime/hub.ts', 'src/domains/posts/topics.ts', 'imports go down the house'],
    ['src/db/transact.ts', 'src/realtime/topic.ts', 'imports go down the house'],
    ['src/errors.ts', 'src/db/keyset.ts', 'imports go down the house'],
    ['src/domains/posts/posts.ts', 'src/server/execution/mask.ts', 'imports go down the house'],
    ['src/domains/posts/posts.ts', 'src/domains/account/sessions.ts', 'never its inside'],
    ['src/domains/posts/posts.ts', 'src/domains/posts/schema.ts', 'the GraphQL face'],
    ['src/domains/posts/posts.ts', 'src/domains/account/schema.ts', 'the GraphQL face'],
    ['src/client/resume.ts', 'src/errors.ts', 'nothing of the server'],
    ['src/observability/log.ts', 'tests/kit/app.ts', 'outside of it'],
    ['src/observability/log.ts', 'vitest/node', 'one of the dependencies'],
    ['src/utils/strings.ts', 'node:util', 'no utils'],
    ['src/domains/posts/index.ts', 'src/domains/posts/posts.ts', 'no barrels'],
    ['src/mailer.ts', 'src/observability/log.ts', 'no place in FLOORS'],
    ['tests/domains/posts.test.ts', 'src/domains/posts/posts.ts', 'through GraphQL'],
    ['web/src/api/api.ts', 'src/errors.ts', 'nothing but the public schema and src/client'],
    ['web/src/design/button.tsx', 'web/src/app/shell.tsx', 'imports go down the client'],
    ['web/src/pages/vault/vault-page.tsx', 'web/src/pages/feed/feed-page.tsx', 'a page knows no other page'],
    ['web/src/main.tsx', 'node:fs', 'runs in a browser'],
    ['src/process/app.ts', 'web/src/main.tsx', 'outside of it'],
    ['src/client/tokens.ts', 'web/src/api/session.ts', 'outside of it'],
  ])('forbid %s to import %s', (file, target, rule) => {
    expect(verdict(file, target)).toEqual(expect.arrayContaining([expect.stringContaining(rule)]));
  });

  it('let a face look at a domain that its own is known to, and find a circle of what they do', () => {
    const follows = 'src/domains/follows/follows.ts';
    const tree = (file: string): Tree =>
      new Map([
        [follows, ['src/domains/blocks/blocks.ts']],
        [file, [follows]],
      ]);
    expect(cycles(domainsOf(tree('src/domains/blocks/schema.ts')))).toEqual([]);
    expect(cycles(domainsOf(tree('src/domains/blocks/blocks.ts')))).toEqual(['follows → blocks → follows']);
  });

  it('find a circle wherever one enters it', () => {
    expect(
      cycles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b → c → b']);
    expect(cycles(new Map([['a', ['a']]]))).toEqual(['a → a']);
    expect(
      cycles(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toEqual([]);
  });
});
