import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, within, type Database } from '../../src/db/database.js';
import type { Selection } from '../../src/db/list-rows.js';
import type { KeysetColumn, KeysetValue, PageBounds } from '../../src/db/keyset.js';
import type { ListRelation, ModelName, Part } from '../../src/db/lists.js';
import { createLog } from '../../src/observability/log.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

/*
 * A list that is described as data holds the rows that Prisma would read, with the same values, whatever is selected, wherever it begins, and
 * in a transaction too.
 */

let database: TestDatabase;
let db: Database;

const id = (kind: number, n: number): string => `00000000-0000-7000-8${kind}00-${String(n).padStart(12, '0')}`;
const USERS = 5;
const POSTS = 12;
const COMMENTS = 60;
const TEXTS = ['plain', "quo'te", 'per%cent_', '', 'ÜMLAUT', '{"a","b"}', 'null', '$1'];
const textOf = (n: number): string => TEXTS[n % TEXTS.length] ?? '';
/** Few times, so that many rows have the same; among them unusual ones. */
const TIMES = [
  '2026-01-31T12:00:00.000Z',
  '2026-01-31T12:00:00.120Z',
  '0044-03-15T00:00:00.007Z',
  '9999-12-31T23:59:59.999Z',
  '1969-07-20T20:17:40.000Z',
];
const timeOf = (n: number): Date => new Date(TIMES[n % TIMES.length] ?? 0);

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ target: { url: database.url }, poolSize: 4, timeoutMs: 10_000, log: createLog('silent'), onCommit: () => undefined });
  const times = <Item>(count: number, make: (n: number) => Item): Item[] => Array.from({ length: count }, (_, n) => make(n));
  await db.prisma.user.createMany({
    data: times(USERS, (n) => ({
      id: id(1, n),
      username: `user${n}`,
      usernameKey: `user${n}`,
      displayName: textOf(n),
      bio: n % 2 === 0 ? null : textOf(n + 1),
      role: n === 0 ? 'ADMIN' : 'GUEST',
      createdAt: timeOf(n),
    })),
  });
  await db.prisma.post.createMany({
    data: times(POSTS, (n) => ({
      id: id(2, n),
      body: textOf(n),
      authorId: id(1, n % USERS),
      createdAt: timeOf(n),
      deletedAt: n % 4 === 0 ? timeOf(n) : null,
      likeCount: n % 3,
    })),
  });
  await db.prisma.comment.createMany({
    data: times(COMMENTS, (n) => ({
      id: id(3, n),
      postId: id(2, n % POSTS),
      authorId: id(1, (n * 3) % USERS),
      body: textOf(n),
      seq: n % 7,
      createdAt: timeOf(n),
      editedAt: n % 3 === 0 ? null : timeOf(n + 1),
      replyToId: n > POSTS && n % 2 === 0 ? id(3, n % POSTS) : null,
    })),
  });
  await db.prisma.category.create({ data: { id: id(4, 0), name: 'One', nameKey: 'one', slug: 'one', color: '#123456' } });
  await db.prisma.entry.createMany({
    data: times(20, (n) => ({
      id: id(5, n),
      title: textOf(n),
      slug: `entry-${n}`,
      content: textOf(n + 3),
      tags: n % 3 === 0 ? [] : [textOf(n), `tag${n % 2}`],
      isPublic: n % 4 !== 0,
      likeCount: n % 5,
      authorId: id(1, n % USERS),
      categoryId: n % 2 === 0 ? id(4, 0) : null,
      createdAt: timeOf(n),
      updatedAt: timeOf(n + 2),
    })),
  });
  await db.prisma.notification.createMany({
    data: times(15, (n) => ({
      id: id(6, n),
      userId: id(1, n % USERS),
      kind: n % 2 === 0 ? 'LIKE' : 'SYSTEM',
      seq: n,
      ...(n % 3 === 0 ? { data: { text: textOf(n), n: [n, null] } } : {}),
      readAt: n % 2 === 0 ? timeOf(n) : null,
    })),
  });
  await db.prisma.follow.createMany({
    data: times(USERS * 2, (n) => ({
      followerId: id(1, n % USERS),
      followeeId: id(1, (n + 1 + (n < USERS ? 0 : 1)) % USERS),
      createdAt: timeOf(n),
    })),
  });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

// ---------------------------------------------------------------- what a list may be

type Order = Part['columns'];
type Where = Readonly<Record<string, unknown>>;

interface Kind {
  readonly orders: readonly Order[];
  readonly columns: readonly string[];
  readonly relations: readonly (readonly [string, readonly string[]])[];
  readonly conditions: readonly Where[];
}

const by = (...columns: readonly (readonly [string, KeysetColumn<never>['direction']])[]): Order =>
  columns.map(([field, direction]) => ({ field, direction }));
const authors: Kind['relations'][number] = ['author', ['username', 'role', 'createdAt', 'bio']];

const KINDS = {
  Post: {
    orders: [by(['createdAt', 'desc'], ['id', 'desc']), by(['likeCount', 'asc'], ['id', 'desc'])],
    columns: ['id', 'body', 'createdAt', 'deletedAt', 'likeCount', 'clientId'],
    relations: [authors],
    conditions: [
      { deletedAt: null },
      { deletedAt: { not: null } },
      { author: { usernameKey: 'user1' } },
      { author: { is: { role: 'GUEST' } } },
      { likeCount: { gte: 1, lt: 2 } },
      { comments: { some: { replyToId: null, body: 'plain' } } },
      { comments: { none: { seq: { gt: 5 } } } },
      { id: { in: [id(2, 1), id(2, 2)] } },
      { createdAt: { lte: timeOf(0) } },
      { createdAt: timeOf(2) },
    ],
  },
  Comment: {
    orders: [by(['seq', 'asc'], ['id', 'asc']), by(['createdAt', 'desc'], ['id', 'desc'])],
    columns: ['id', 'body', 'seq', 'editedAt', 'postId', 'createdAt'],
    relations: [authors, ['post', ['body', 'deletedAt']], ['replyTo', ['body', 'seq']]],
    conditions: [
      { replyToId: null },
      { replyToId: { not: null } },
      { post: { deletedAt: null } },
      { NOT: { seq: 3 } },
      { replyTo: { body: 'plain' } },
      { OR: [{ seq: 1 }, { editedAt: null }] },
    ],
  },
  Entry: {
    orders: [by(['title', 'asc'], ['id', 'asc']), by(['likeCount', 'desc'], ['id', 'desc'])],
    columns: ['id', 'title', 'tags', 'isPublic', 'updatedAt', 'categoryId', 'content'],
    relations: [authors, ['category', ['name', 'color']]],
    conditions: [
      { tags: { has: 'tag1' } },
      { OR: [{ isPublic: true }, { authorId: id(1, 0) }] },
      { categoryId: id(4, 0) },
      { isPublic: false },
    ],
  },
  Notification: {
    orders: [by(['seq', 'desc'])],
    columns: ['id', 'kind', 'data', 'readAt', 'seq'],
    relations: [['user', ['username', 'email']]],
    conditions: [
      { readAt: null },
      { userId: id(1, 2) },
      { kind: 'LIKE' },
      { AND: [{ kind: 'SYSTEM' }, { seq: { gt: 3 } }] },
      { kind: { in: ['LIKE'] } },
    ],
  },
} satisfies Partial<Record<ModelName, Kind>>;
type KindName = keyof typeof KINDS;
const kindOf = (model: KindName): Kind => KINDS[model];

/** Lists of parents: the model, its relation, the model that leads to, and the column that names the parent. */
const CHILDREN = [
  ['Post', 'comments', 'Comment', 'postId', [{}, { deletedAt: null }, { author: { is: { role: 'GUEST' } } }]],
  ['Comment', 'replies', 'Comment', 'replyToId', [{}, { post: { deletedAt: null } }]],
  ['User', 'posts', 'Post', 'authorId', [{}]],
  ['User', 'entries', 'Entry', 'authorId', [{}, { role: 'GUEST' }]],
  ['User', 'notifications', 'Notification', 'userId', [{}]],
] as const;

const some = (names: readonly string[]): fc.Arbitrary<Record<string, true>> =>
  fc.subarray([...names], { minLength: 1 }).map((chosen) => Object.fromEntries(chosen.map((name) => [name, true as const])));

const selectionOf = ({ columns, relations }: Kind): fc.Arbitrary<Selection> => {
  const nested = fc
    .tuple(
      ...relations.map(([name, of]) =>
        fc.tuple(
          fc.constant(name),
          fc.option(
            fc.oneof(
              fc.constant(true),
              some(of).map((select) => ({ select })),
            ),
          ),
        ),
      ),
    )
    .map((chosen) => Object.fromEntries(chosen.filter(([, wanted]) => wanted !== null)));
  return fc.oneof(
    fc.tuple(some(columns), nested).map(([own, others]) => ({ select: { ...own, ...others } })),
    nested.map((include) => (Object.keys(include).length === 0 ? {} : { include })),
  );
};

const whereOf = ({ conditions }: Kind): fc.Arbitrary<Where> =>
  fc
    .subarray([...conditions], { maxLength: 2 })
    .chain((chosen) =>
      fc.constantFrom(
        { AND: chosen },
        { NOT: { AND: chosen.length === 0 ? [{ id: id(9, 9) }] : chosen } },
        Object.assign({}, chosen[0] ?? {}),
      ),
    );

const cases = fc.constantFrom(...(Object.keys(KINDS) as KindName[])).chain((model) =>
  fc.record({
    model: fc.constant(model),
    where: whereOf(kindOf(model)),
    selection: selectionOf(kindOf(model)),
    order: fc.constantFrom(...kindOf(model).orders),
    backward: fc.boolean(),
    take: fc.integer({ min: 1, max: 8 }),
    /** The places of the rows that the page lies between, in the whole list. */
    after: fc.option(fc.nat(15)),
    before: fc.option(fc.nat(15)),
  }),
);

// ---------------------------------------------------------------- what Prisma reads

interface Delegate {
  readonly findMany: (args: object) => Promise<Record<string, unknown>[]>;
}
const delegate = (model: string): Delegate =>
  (db.prisma as unknown as Readonly<Record<string, Delegate>>)[model.charAt(0).toLowerCase() + model.slice(1)] as Delegate;

/** The condition for the rows on one side of a place in the order, as Prisma writes it. */
const beyond = (order: Order, values: readonly KeysetValue[] | null, side: 'after' | 'before'): Where[] => {
  if (values === null) return [];
  return [
    {
      OR: order.map(({ field, direction }, index) => ({
        AND: [
          ...order.slice(0, index).map((tied, at) => ({ [tied.field]: values[at] })),
          { [field]: { [(direction === 'asc') === (side === 'after') ? 'gt' : 'lt']: values[index] } },
        ],
      })),
    },
  ];
};

const oracle = async (model: string, where: Where, selection: Selection, { columns, bounds, take }: Part) =>
  await delegate(model).findMany({
    ...(selection.select === undefined
      ? selection
      : { select: { ...selection.select, ...Object.fromEntries(columns.map(({ field }) => [field, true])) } }),
    where: { AND: [where, ...beyond(columns, bounds.after, 'after'), ...beyond(columns, bounds.before, 'before')] },
    orderBy: columns.map(({ field, direction }) => ({ [field]: (direction === 'desc') === bounds.backward ? 'asc' : 'desc' })),
    take,
  });

/** Where the rows with these places stand in the order; null for a place beyond the last one. */
const boundsOf = async (
  model: string,
  order: Order,
  { backward, after, before }: { readonly backward: boolean; readonly after: number | null; readonly before: number | null },
): Promise<PageBounds> => {
  const rows = await delegate(model).findMany({ orderBy: order.map(({ field, direction }) => ({ [field]: direction })) });
  const at = (place: number | null): KeysetValue[] | null => {
    const row = place === null ? undefined : rows[place];
    return row === undefined ? null : order.map(({ field }) => row[field] as KeysetValue);
  };
  return { backward, after: at(after), before: at(before) };
};

describe('a list as data', () => {
  it('holds the rows that Prisma reads, in the same order and with the same values', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ model, where, selection, order, take, ...places }) => {
        const part: Part = { columns: order, take, bounds: await boundsOf(model, order, places) };
        const expected = await oracle(model, where, selection, part);
        expect(await db.lists.root({ model, where }, part, selection)).toEqual(expected);
        const inside = await db.transact((tx) => within(db, tx).lists.root({ model, where }, part, selection));
        expect(inside).toEqual(expected);
        expect(await db.lists.count({ model, where }, part)).toBe(expected.length);
      }),
      { numRuns: 150 },
    );
  });

  it('holds for each of several parents what Prisma reads for it alone', async () => {
    const children = fc.constantFrom(...CHILDREN).chain(([model, relation, child, key, conditions]) =>
      fc.record({
        model: fc.constant<ModelName>(model),
        relation: fc.constant(relation),
        child: fc.constant(child),
        key: fc.constant(key),
        parents: fc.constantFrom<Where>(...conditions),
        ids: fc.subarray(
          Array.from({ length: 6 }, (_, n) => id(model === 'User' ? 1 : model === 'Post' ? 2 : 3, n)),
          { minLength: 1 },
        ),
        where: whereOf(kindOf(child)),
        selection: selectionOf(kindOf(child)),
        order: fc.constantFrom(...kindOf(child).orders),
        backward: fc.boolean(),
        take: fc.integer({ min: 1, max: 4 }),
        after: fc.option(fc.nat(15)),
        before: fc.option(fc.nat(15)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(children, async ({ model, relation, child, key, parents, ids, where, selection, order, take, ...places }) => {
        const part: Part = { columns: order, take, bounds: await boundsOf(child, order, places) };
        const alive = (await delegate(model).findMany({ where: { AND: [{ id: { in: ids } }, parents] } })).map(
          (row) => row['id'] as string,
        );
        const expected = new Map<string, unknown[]>();
        for (const parent of alive) {
          const rows = await oracle(child, { AND: [where, { [key]: parent }] }, selection, part);
          if (rows.length > 0) expected.set(parent, rows);
        }
        const list = { model, relation: relation as ListRelation<ModelName>, parents, where: where as never };
        expect(new Map(await db.lists.children(list, ids, part, selection))).toEqual(expected);
        expect(new Map(await db.transact((tx) => within(db, tx).lists.children(list, ids, part, selection)))).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('holds nothing where one of no conditions is to hold', async () => {
    const part: Part = { columns: by(['id', 'asc']), take: 1, bounds: { after: null, before: null, backward: false } };
    expect(await db.lists.root({ model: 'Post', where: { AND: [{ OR: [] }] } }, part, {})).toEqual([]);
  });

  it.each([
    ['a condition that it does not know', { body: { endsWith: 'a' } }, {}, 'A list knows no condition "endsWith" of "Post.body".'],
    ['a column that there is not', { nobody: 1 }, {}, 'There is no column "Post.nobody".'],
    ['a list within a row', {}, { include: { comments: true } }, 'A list cannot read "Post.comments".'],
    [
      'a relation with arguments',
      {},
      { include: { author: { where: { role: 'GUEST' } } } },
      'A list cannot read "Post.author" with arguments.',
    ],
  ])('refuses %s', async (_what, where, selection, message) => {
    const part: Part = { columns: by(['id', 'asc']), take: 1, bounds: { after: null, before: null, backward: false } };
    await expect(db.lists.root({ model: 'Post', where: where as never }, part, selection)).rejects.toThrow(message);
  });
});
