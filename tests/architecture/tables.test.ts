import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * Which part of the house owns which table: the domain whose file in `prisma/schema` declares it. What others want to know of it they ask the
 * owner's functions, or they build their statement with a fragment of SQL that the owner exports. A row may be read together with the one that
 * its foreign key names, as the owner of the key has declared it; what points at a row from elsewhere is its owner's to tell.
 */
const ROOT = resolve(import.meta.dirname, '../..');
const SCHEMA = resolve(ROOT, 'prisma/schema');

/** The folders of what is not a single domain's. */
const COMMON: Readonly<Record<string, readonly string[]>> = {
  // Events are numbered by the last statement of the transaction that emits them.
  realtime: ['src/realtime/', 'src/db/'],
  mutations: ['src/graphql/'],
  keys: ['src/access/'],
  // What is audited is written by the transaction of the act.
  audit: ['src/domains/audit/', 'src/db/'],
};

/** Who fills an empty database writes all of its tables. */
const EVERYWHERE = ['src/demo/'];

interface Relation {
  readonly model: string;
  /** Whether the foreign key is on this side. */
  readonly holdsKey: boolean;
}

/** A table, by the names that Prisma and SQL have for it. */
interface Table {
  readonly owner: string;
  readonly model: string;
  readonly delegate: string;
  readonly sql: string;
  readonly relations: ReadonlyMap<string, Relation>;
}

const MODEL = /^model (\w+) \{(.*?)^\}/gms;
const schemas = readdirSync(SCHEMA).map((file) => ({
  owner: basename(file, '.prisma'),
  models: [...readFileSync(resolve(SCHEMA, file), 'utf8').matchAll(MODEL)],
}));
const modelNames = new Set(schemas.flatMap(({ models }) => models.map(([, model]) => model)));

const relationsOf = (body: string): ReadonlyMap<string, Relation> =>
  new Map(
    [...body.matchAll(/^\s+(\w+)\s+(\w+)(.*)$/gm)].flatMap(([, field = '', model = '', rest = '']) =>
      modelNames.has(model) ? [[field, { model, holdsKey: rest.includes('fields:') }] as const] : [],
    ),
  );

const tables: readonly Table[] = schemas.flatMap(({ owner, models }) =>
  models.map(([, model = '', body = '']) => ({
    owner,
    model,
    delegate: model.charAt(0).toLowerCase() + model.slice(1),
    sql: /@@map\("(\w+)"\)/.exec(body)?.[1] ?? model,
    relations: relationsOf(body),
  })),
);
const byModel = new Map(tables.map((table) => [table.model, table]));
const byDelegate = new Map(tables.map((table) => [table.delegate, table]));
const bySql = new Map(tables.map((table) => [table.sql, table]));

/** The methods of a Prisma delegate: `client.post.findMany(…)` is a statement, `row.post.id` is not. */
const STATEMENT =
  /^(find(Unique|First)(OrThrow)?|findMany|(create|update)(Many(AndReturn)?)?|upsert|delete(Many)?|count|aggregate|groupBy)$/;

const NAME = String.raw`"?[a-z_]+"?`;
const NAMED = String.raw`${NAME}(?:\s+(?:AS\s+)?[a-z_]+)?`;
const LISTS = new RegExp(String.raw`\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+(?:ONLY\s+|LATERAL\s+)?(${NAMED}(?:\s*,\s*${NAMED})*)`, 'g');

/** The tables that an SQL text names where a table stands; a fragment that is nothing but the name of one stands there, too. */
const tablesInSql = (sql: string): Table[] => {
  const lists = [...sql.matchAll(LISTS)].map(([, list = '']) => list);
  return [...lists.flatMap((list) => list.split(',')), ...(/^\s*"?[a-z_]+"?\s*$/.test(sql) ? [sql] : [])].flatMap(
    (each) => bySql.get(/^"?([a-z_]+)"?/.exec(each.trim())?.[1] ?? '') ?? [],
  );
};

/** The text of a template or a string; what stands between the pieces of a template is a value or another fragment. */
const textOf = (node: ts.Node): string | null => {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' ? ');
  return null;
};

const isSqlTag = (tag: ts.Expression): boolean => /(\bsql|Raw)$/.test(tag.getText());

/** A table that a source reaches, and whether by a foreign key that another one declares. */
interface Reach {
  readonly table: Table;
  readonly keyOf: Table | null;
}

/** What a source file reads or writes: by a delegate of Prisma's client, by its relations, or by name in SQL. */
const reachesIn = (source: string): Reach[] => {
  const found: Reach[] = [];
  const reach = (table: Table, keyOf: Table | null = null): void => void found.push({ table, keyOf });

  /** The relations that the arguments of a statement go through. */
  const follow = (node: ts.Node, from: Table): void => {
    if (!ts.isPropertyAssignment(node)) {
      ts.forEachChild(node, (child) => follow(child, from));
      return;
    }
    const relation = from.relations.get(node.name.getText());
    const target = relation && byModel.get(relation.model);
    if (relation && target) reach(target, relation.holdsKey ? from : null);
    follow(node.initializer, target ?? from);
  };

  /** A list as data: `list: { model: 'Post', relation: 'comments', where: … }`. */
  const listed = (list: ts.ObjectLiteralExpression): void => {
    const given = new Map(
      list.properties.flatMap((each) => (ts.isPropertyAssignment(each) ? [[each.name.getText(), each.initializer]] : [])),
    );
    const named = (name: string): string => textOf(given.get(name) ?? list) ?? '';
    const table = byModel.get(named('model'));
    if (!table) return;
    const relation = table.relations.get(named('relation'));
    const rows = relation ? byModel.get(relation.model) : table;
    if (rows) reach(rows);
    for (const [about, conditions] of [
      [rows, given.get('where')],
      [table, given.get('parents')],
    ] as const) {
      if (about && conditions) follow(conditions, about);
    }
    // Without a condition on them the parents are not read.
    if (relation && given.has('parents')) reach(table);
    const node = rows?.relations.get(named('node'));
    const target = node && byModel.get(node.model);
    if (rows && target) reach(target, rows);
  };

  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node) && node.properties.some((each) => each.name?.getText() === 'model')) listed(node);
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && STATEMENT.test(node.expression.name.text)) {
      const { expression } = node.expression;
      // `context.db.prisma.post`, or `post` that was taken out of it.
      const name = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();
      const table = byDelegate.get(name);
      if (table) {
        reach(table);
        for (const argument of node.arguments) follow(argument, table);
      }
    }
    const text = ts.isTaggedTemplateExpression(node) ? (isSqlTag(node.tag) ? textOf(node.template) : null) : textOf(node);
    const isSql = ts.isTaggedTemplateExpression(node) || /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|LOCK|TRUNCATE)\s/.test(text ?? '');
    if (text !== null && isSql) for (const table of tablesInSql(text)) reach(table);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true));
  return found;
};

const isAtHome = (file: string, { owner }: Table): boolean =>
  (COMMON[owner] ?? [`src/domains/${owner}/`]).some((folder) => file.startsWith(folder));

const trespasses = (file: string, source: string): string[] => [
  ...new Set(
    reachesIn(source)
      .filter(({ table, keyOf }) => !isAtHome(file, table) && !(keyOf && isAtHome(file, keyOf)))
      .map(({ table: { sql, owner } }) => `${file} reaches "${sql}", which belongs to ${owner}`),
  ),
];

const sources = readdirSync(resolve(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.ts') && !file.includes('/generated/') && !EVERYWHERE.some((folder) => file.startsWith(folder)));

describe('the walls between domains', () => {
  it('know an owner for every table: a domain, or what is below them all', () => {
    const domains = readdirSync(resolve(ROOT, 'src/domains'));
    const owners = new Set(tables.map(({ owner }) => owner));
    expect([...owners].filter((owner) => !domains.includes(owner) && !(owner in COMMON))).toEqual([]);
    expect(Object.keys(COMMON).filter((owner) => !owners.has(owner))).toEqual([]);
  });

  it('hold in SQL too: no statement reaches the table of another', () => {
    expect(sources.flatMap((file) => trespasses(file, readFileSync(resolve(ROOT, file), 'utf8')))).toEqual([]);
  });

  it.each([
    ['context.db.prisma.user.findMany({});', 'user'],
    ['const { post } = db.prisma; post.count({});', 'post'],
    ['tx.$queryRaw<Row[]>`SELECT 1 FROM "user"`;', 'user'],
    ['Prisma.sql`SELECT 1 FROM held, "user"`;', 'user'],
    ['Prisma.sql`SELECT 1 FROM held a, "user" b`;', 'user'],
    ['Prisma.sql`UPDATE post SET like_count = 1`;', 'post'],
    ['Prisma.sql`DELETE FROM post USING held`;', 'post'],
    ['Prisma.sql`WITH a AS (SELECT 1 FROM held JOIN block ON true) SELECT 1 FROM a`;', 'block'],
    ['const table = Prisma.sql`"user"`;', 'user'],
    ["client.query('UPDATE head SET epoch = 1');", 'head'],
    ['prisma.user.findMany({ select: { id: true, followers: { take: 1 } } });', 'follow'],
    ['prisma.post.findMany({ where: { AND: [{ author: { username } }] } });', 'user'],
    ["listPage({ list: { model: 'Post', where } });", 'post'],
    ["childPage({ list: { model: 'User', relation: 'posts' } });", 'post'],
    ["childPage({ list: { model: 'Comment', relation: 'replies', parents: { post: notDeleted } } });", 'post'],
    ["listPage({ list: { model: 'Post', where: { author: { username } } } });", 'user'],
  ])('see what is reached by %s', (source, sql) => {
    expect(reachesIn(source).map(({ table }) => table.sql)).toContain(sql);
  });

  it.each([
    'row.post.id',
    'posts.find(({ post }) => post)',
    'Prisma.sql`SELECT post.id, "user" FROM held`;',
    'const a = `FROM post`;',
    "const text = 'UPDATE: follow the post FROM block to block';",
    "const a = { model: 'none' };",
  ])('see nothing in %s', (source) => {
    expect(reachesIn(source)).toEqual([]);
  });

  it('let a row be read with the one that its own key names, and not with those that name it', () => {
    const withAuthor = 'prisma.post.findMany({ include: { author: true } });';
    const withPosts = 'prisma.user.findMany({ include: { posts: true } });';
    expect(trespasses('src/domains/posts/posts.ts', withAuthor)).toEqual([]);
    expect(trespasses('src/domains/account/users.ts', withPosts)).toEqual([
      'src/domains/account/users.ts reaches "post", which belongs to posts',
    ]);
    expect(trespasses('src/domains/blocks/blocks.ts', withAuthor)).toEqual([
      'src/domains/blocks/blocks.ts reaches "post", which belongs to posts',
      'src/domains/blocks/blocks.ts reaches "user", which belongs to account',
    ]);
  });
});
