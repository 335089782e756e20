import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  CreateCategoryInput,
  CreateEntryInput,
  EntryFilter,
  EntryOrder,
  KnowledgeEntryFragment as Entry,
  UpdateEntryInput,
} from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present, type ResultOf, type TypedText, type VariablesOf } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let mod: TestUser;
let guest: { token: string };

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, mod] = await Promise.all([app.user('Ada'), app.user('ben'), app.userWithRole('mod', 'MODERATOR')]);
  const { joinAsGuest } = await app.data(
    graphql(`mutation KnowledgeJoinAsGuest { joinAsGuest(input: { displayName: "Guest" }) { credentials { accessToken } } }`),
  );
  guest = { token: joinAsGuest.credentials.accessToken };
});
afterAll(() => app.stop());

type As = TestUser | { token: string } | undefined;

graphql(`fragment KnowledgeEntry on Entry { id title slug content contentHtml tags isPublic isFeatured version likeCount viewerHasLiked clientId createdAt updatedAt
  category { name slug } author { username } }`);
const Create = graphql(
  `mutation KnowledgeCreate($input: CreateEntryInput!) { createEntry(input: $input) { entry { ...KnowledgeEntry } } }`,
);
const Update = graphql(
  `mutation KnowledgeUpdate($input: UpdateEntryInput!) { updateEntry(input: $input) { entry { ...KnowledgeEntry } } }`,
);
const Delete = graphql(`mutation KnowledgeDelete($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`);
const Feature = graphql(
  `mutation KnowledgeFeature($id: ID!, $on: Boolean!) { featureEntry(input: { id: $id, isFeatured: $on }) { entry { isFeatured version } } }`,
);
const Like = graphql(
  `mutation KnowledgeLike($id: ID!) { likeEntry(input: { entryId: $id }) { likeCount entry { likeCount viewerHasLiked } } }`,
);
const Unlike = graphql(
  `mutation KnowledgeUnlike($id: ID!) { unlikeEntry(input: { entryId: $id }) { likeCount entry { likeCount viewerHasLiked } } }`,
);
const LikeCounts = graphql(
  `subscription KnowledgeLikeCounts($ids: [ID!]!) { entryLikeCountsChanged(ids: $ids) { entryId count entry { id likeCount } } }`,
);
graphql(`fragment KnowledgeCategory on Category { id name slug description color entryCount }`);
const CreateCategory = graphql(
  `mutation KnowledgeCreateCategory($input: CreateCategoryInput!) { createCategory(input: $input) { category { ...KnowledgeCategory } } }`,
);
const UpdateCategory = graphql(
  `mutation KnowledgeUpdateCategory($input: UpdateCategoryInput!) { updateCategory(input: $input) { category { ...KnowledgeCategory } } }`,
);
const DeleteCategory = graphql(`mutation KnowledgeDeleteCategory($id: ID!) { deleteCategory(input: { id: $id }) { categoryId } }`);
const ById = graphql(`query KnowledgeById($id: ID, $slug: String) { entry(id: $id, slug: $slug) { ...KnowledgeEntry } }`);
const List =
  graphql(`query KnowledgeList($filter: EntryFilter, $orderBy: EntryOrder, $first: Int, $after: String, $last: Int, $before: String) {
  entries(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    totalCount edges { cursor node { id title } } pageInfo { hasNextPage endCursor }
  }
}`);

const create = async (input: Partial<CreateEntryInput> & Pick<CreateEntryInput, 'title'>, as: As = ada) =>
  (await app.data(Create, { input: { content: 'Some text.', ...input } }, as)).createEntry.entry;
const update = async (input: UpdateEntryInput, as: As = ada) => (await app.data(Update, { input }, as)).updateEntry.entry;
const createCategory = async (input: CreateCategoryInput) => (await app.data(CreateCategory, { input }, mod)).createCategory.category;
const byId = async (id: string, as?: As): Promise<Entry | null> => (await app.data(ById, { id }, as)).entry;
const bySlug = async (slug: string, as?: As): Promise<Entry | null> => (await app.data(ById, { slug }, as)).entry;
type EntriesPage = NonNullable<ResultOf<typeof List>['entries']>;
const list = async (variables: VariablesOf<typeof List>, as?: As): Promise<EntriesPage> => (await app.data(List, variables, as)).entries;
const titles = async (filter: EntryFilter, as?: As): Promise<string[]> =>
  (await list({ filter, orderBy: 'TITLE', first: 100 }, as)).edges.map(({ node }) => node.title);

const fieldsOf = async (document: TypedText<unknown, never>, variables: object, as?: As): Promise<string[]> => {
  const { errors } = await app.execute(document.toString(), variables, as);
  const fields = errors?.[0]?.extensions?.['fields'] as { path: string }[] | undefined;
  return (fields ?? []).map(({ path }) => path);
};

describe('createEntry', () => {
  it('makes an entry with everything', async () => {
    const { name } = await createCategory({ name: 'Recipes' });
    const entry = await create({
      title: '  A **bold** title  ',
      content: '# Hello\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](a.png)',
      category: 'rECIPES',
      tags: [' Bread ', 'bread', 'Über'],
      clientId: 'everything',
    });
    expect(entry).toMatchObject({
      title: 'A **bold** title',
      slug: 'a-bold-title',
      tags: ['bread', 'über'],
      isPublic: true,
      isFeatured: false,
      version: 1,
      likeCount: 0,
      viewerHasLiked: false,
      clientId: 'everything',
      category: { name, slug: 'recipes' },
      author: { username: 'Ada' },
    });
    expect(entry.createdAt).toBe(entry.updatedAt);
    expect(entry.contentHtml).toContain('<h1 id="user-content-hello">Hello</h1>');
    expect(entry.contentHtml).toContain('<img');
    expect(entry.contentHtml).not.toMatch(/<script|href/);
    expect(await bySlug('a-bold-title')).toEqual(entry);
    expect(await bySlug('A-Bold-Title')).toEqual(entry);
  });

  it('gives entries of one title slugs of their own, also at the same time', async () => {
    expect([await create({ title: 'Same' }), await create({ title: 'same!' })].map(({ slug }) => slug)).toEqual(['same', 'same-2']);
    const many = await Promise.all(Array.from({ length: 20 }, () => create({ title: 'Race' })));
    expect(new Set(many.map(({ slug }) => slug)).size).toBe(20);
    for (const { slug } of many) expect(slug).toMatch(/^race(-|$)/);
  });

  it('is done once for each clientId', async () => {
    const input = { title: 'Once', clientId: 'once', tags: ['a'] };
    const all = await Promise.all(Array.from({ length: 8 }, () => create(input)));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(await app.code(Create, { input: { ...input, content: 'Some text.', tags: ['b'] } }, ada)).toBe('CONFLICT');
    expect((await create(input, ben)).id).not.toBe(all[0]?.id);
  });

  it('is for members', async () => {
    const input = { title: 'T', content: 'c' };
    expect(await app.code(Create, { input })).toBe('UNAUTHENTICATED');
    expect(await app.code(Create, { input }, guest)).toBe('FORBIDDEN');
  });

  it.each([
    ['an empty title', { title: ' ' }, ['input.title']],
    ['a title of 201', { title: 'x'.repeat(201) }, ['input.title']],
    ['a title of two lines', { title: 'a\nb' }, ['input.title']],
    ['empty content', { content: '\n' }, ['input.content']],
    ['content of 200,001', { content: 'x'.repeat(200_001) }, ['input.content']],
    ['a NUL', { content: 'a\0b' }, ['input.content']],
    ['an unknown category', { category: 'nowhere' }, ['input.category']],
    ['a category with a NUL', { category: 'a\0' }, ['input.category']],
    ['an empty tag', { tags: ['a', ' '] }, ['input.tags.1']],
    ['a tag of 41', { tags: ['x'.repeat(41)] }, ['input.tags.0']],
    ['21 tags', { tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }, ['input.tags']],
    ['two mistakes', { title: '', content: '' }, ['input.title', 'input.content']],
  ])('refuses %s', async (_what, change, paths) => {
    const input = { title: 'T', content: 'c', ...change };
    expect(await app.code(Create, { input }, ada)).toBe('BAD_USER_INPUT');
    expect(await fieldsOf(Create, { input }, ada)).toEqual(paths);
  });

  it('takes what just fits', async () => {
    const entry = await create({
      title: '🦊'.repeat(200),
      content: 'x'.repeat(200_000),
      tags: Array.from({ length: 25 }, (_, i) => `t${i % 20}`),
    });
    expect(entry.tags).toHaveLength(20);
  });
});

describe('a private entry', () => {
  let secret: Entry;
  beforeAll(async () => {
    await createCategory({ name: 'Hidden place' });
    secret = await create({
      title: 'Secret',
      category: 'hidden-place',
      tags: ['hidden-tag'],
      isPublic: false,
      content: 'needle-in-private',
    });
  });

  it('is there for its author', async () => {
    expect(await byId(secret.id, ada)).toEqual(secret);
    expect(await bySlug(secret.slug, ada)).toEqual(secret);
    expect(await titles({ isPublic: false }, ada)).toEqual(['Secret']);
    expect(await titles({ search: 'NEEDLE-IN-PRIVATE' }, ada)).toEqual(['Secret']);
    const { node, tags } = await app.data(
      graphql(`query KnowledgeHidden($id: ID!) { node(id: $id) { ... on Entry { title } } tags(search: "hidden") }`),
      { id: secret.id },
      ada,
    );
    expect(node).toEqual({ title: 'Secret' });
    expect(tags).toEqual(['hidden-tag']);
  });

  it.each([
    ['nobody', () => undefined],
    ['another member', () => ben],
    ['a moderator', () => mod],
  ])('is not there for %s', async (_who, who) => {
    const as = who();
    const { id, slug } = secret;
    const seen = await app.data(
      graphql(`query KnowledgeEntry($id: ID!, $slug: String!) {
        byId: entry(id: $id) { id } bySlug: entry(slug: $slug) { id } node(id: $id) { id } nodes(ids: [$id]) { id }
        byCategory: entries(filter: { category: "hidden-place" }) { totalCount edges { node { id } } }
        byTag: entries(filter: { tag: "hidden-tag" }) { totalCount edges { node { id } } }
        byText: entries(filter: { search: "needle-in-private" }) { totalCount edges { node { id } } }
        private: entries(filter: { isPublic: false }) { totalCount edges { node { id } } }
        tags(search: "hidden")
      }`),
      { id, slug },
      as,
    );
    const empty = { totalCount: 0, edges: [] };
    expect(seen).toEqual({
      ...{ byId: null, bySlug: null, node: null, nodes: [null], tags: [] },
      ...{ byCategory: empty, byTag: empty, byText: empty, private: empty },
    });
    const { user, categories } = await app.data(
      graphql(
        `query KnowledgeUser { user(username: "ada") { entries(first: 100) { totalCount edges { node { id } } } } categories { name entryCount } }`,
      ),
      {},
      as,
    );
    expect(user.entries.edges.map(({ node }) => node.id)).not.toContain(id);
    expect(user.entries.totalCount).toBe(user.entries.edges.length);
    expect(categories).toContainEqual({ name: 'Hidden place', entryCount: 0 });
    if (as === undefined) return;
    expect(await app.code(Update, { input: { id, expectedVersion: 1, title: 'Mine' } }, as)).toBe('NOT_FOUND');
    expect(await app.code(Delete, { id }, as)).toBe('NOT_FOUND');
    expect(await app.code(Like, { id }, as)).toBe('NOT_FOUND');
    expect(await app.code(Unlike, { id }, as)).toBe('NOT_FOUND');
    expect(await app.code(Feature, { id, on: true }, as)).toBe(as === mod ? 'NOT_FOUND' : 'FORBIDDEN');
  });
});

describe('entry', () => {
  it('takes either an id or a slug', async () => {
    const { id, slug } = await create({ title: 'One of two' });
    expect(await app.code(ById, {})).toBe('BAD_USER_INPUT');
    expect(await app.code(ById, { id, slug })).toBe('BAD_USER_INPUT');
    expect(await app.code(ById, { id: 'x' })).toBe('BAD_USER_INPUT');
    expect(await app.code(ById, { id: ada.id })).toBe('BAD_USER_INPUT');
    for (const nothing of ['', 'no-such', 'a\0b', '%']) expect(await bySlug(nothing)).toBeNull();
  });
});

describe('updateEntry', () => {
  it('changes what is given, and the version', async () => {
    await createCategory({ name: 'First drawer' });
    const entry = await create({ title: 'Draft', category: 'First drawer', tags: ['a', 'b'] });
    const { id, slug } = entry;
    const second = await update({ id, expectedVersion: 1, title: 'Better', tags: ['B', 'c'] });
    expect(second).toMatchObject({
      title: 'Better',
      slug,
      content: entry.content,
      version: 2,
      tags: ['b', 'c'],
      category: { slug: 'first-drawer' },
    });
    expect(second.updatedAt >= entry.updatedAt).toBe(true);
    const third = await update({ id, expectedVersion: 2, content: '**new**', category: null, tags: null, isPublic: false });
    expect(third).toMatchObject({ version: 3, category: null, tags: [], isPublic: false, createdAt: entry.createdAt });
    expect(third.contentHtml).toContain('<strong>new</strong>');
    expect(await byId(id, ada)).toEqual(third);
  });

  it('leaves the version alone when nothing changes', async () => {
    const entry = await create({ title: 'Unmoved', tags: ['x'] });
    expect(await update({ id: entry.id, expectedVersion: 1, title: 'Unmoved', tags: ['X'] })).toEqual(entry);
  });

  it('refuses what was made from an old version', async () => {
    const { id } = await create({ title: 'Contested' });
    await update({ id, expectedVersion: 1, title: 'Theirs' });
    const { errors } = await app.execute(Update, { input: { id, expectedVersion: 1, title: 'Ours' } }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'CONFLICT', currentVersion: 2 });
    expect((await byId(id))?.title).toBe('Theirs');
    expect(await app.code(Update, { input: { id, expectedVersion: 3, title: 'Ours' } }, ada)).toBe('CONFLICT');
  });

  it('lets one of many updates of a version through', async () => {
    const { id } = await create({ title: 'Start' });
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => app.execute(Update, { input: { id, expectedVersion: 1, title: `Try ${index}` } }, ada)),
    );
    expect(results.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    for (const { errors } of results) if (errors) expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', currentVersion: 2 });
    expect((await byId(id))?.version).toBe(2);
  });

  it('is for its author', async () => {
    const { id } = await create({ title: 'Hers' });
    const input = { id, expectedVersion: 1, title: 'His' };
    expect(await app.code(Update, { input })).toBe('UNAUTHENTICATED');
    expect(await app.code(Update, { input }, ben)).toBe('FORBIDDEN');
    expect(await app.code(Update, { input }, mod)).toBe('FORBIDDEN');
    expect(await fieldsOf(Update, { input: { ...input, category: 'nowhere' } }, ada)).toEqual(['input.category']);
    expect(await fieldsOf(Update, { input: { ...input, title: '' } }, ada)).toEqual(['input.title']);
    expect((await byId(id))?.version).toBe(1);
  });
});

describe('deleteEntry', () => {
  it('is for its author and for moderators', async () => {
    const [one, two] = await Promise.all([create({ title: 'Del 1' }), create({ title: 'Del 2' })]);
    expect(await app.code(Delete, { id: one.id }, ben)).toBe('FORBIDDEN');
    expect(await app.data(Delete, { id: one.id }, ada)).toEqual({ deleteEntry: { entryId: one.id } });
    await app.data(Like, { id: two.id }, ben);
    expect(await app.data(Delete, { id: two.id }, mod)).toEqual({ deleteEntry: { entryId: two.id } });
    expect(await byId(one.id)).toBeNull();
    expect(await app.code(Delete, { id: two.id }, mod)).toBe('NOT_FOUND');
  });
});

describe('featureEntry', () => {
  it('is for moderators and no change of the entry', async () => {
    const { id } = await create({ title: 'Star' });
    expect(await app.code(Feature, { id, on: true }, ada)).toBe('FORBIDDEN');
    expect(await app.data(Feature, { id, on: true }, mod)).toEqual({ featureEntry: { entry: { isFeatured: true, version: 1 } } });
    expect(await titles({ isFeatured: true })).toEqual(['Star']);
    await app.data(Feature, { id, on: false }, mod);
    expect(await titles({ isFeatured: true })).toEqual([]);
  });
});

describe('likeEntry', () => {
  it('counts each user once, whatever happens at the same time', async () => {
    const { id } = await create({ title: 'Likeable' });
    const liked = await app.data(Like, { id }, ben);
    expect(liked).toEqual({ likeEntry: { likeCount: 1, entry: { likeCount: 1, viewerHasLiked: true } } });
    expect(await app.data(Like, { id }, ben)).toEqual(liked);
    await Promise.all(Array.from({ length: 10 }, (_, index) => app.data(Like, { id }, [ada, ben, mod, guest][index % 4])));
    expect((await byId(id))?.likeCount).toBe(4);
    await Promise.all(Array.from({ length: 10 }, () => app.data(Unlike, { id }, ben)));
    expect(await byId(id, ben)).toMatchObject({ likeCount: 3, viewerHasLiked: false, version: 1 });
    expect(await byId(id, ada)).toMatchObject({ likeCount: 3, viewerHasLiked: true });
    expect(await app.code(Like, { id })).toBe('UNAUTHENTICATED');
    const [{ count }] = (await app.database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM entry_like JOIN entry ON entry.id = entry_id WHERE title = $1',
      ['Likeable'],
    )) as [{ count: number }];
    expect(count).toBe(3);
  });

  it('is told to whoever follows the entry, until it is private; one that is not public cannot be followed', async () => {
    const [{ id, version }, other, hidden] = [
      await create({ title: 'Followed' }),
      await create({ title: 'Beside' }),
      await create({ title: 'Hidden', isPublic: false }),
    ];
    const told = app.connect(ben).subscribe(LikeCounts, { ids: [id, other.id, hidden.id] });
    const next = async () => (await told.data()).entryLikeCountsChanged;
    const first = [await next(), await next()].sort((one, two) => (one.entryId === id ? -1 : two.entryId === id ? 1 : 0));
    expect(first).toEqual([id, other.id].map((entryId) => ({ entryId, count: 0, entry: { id: entryId, likeCount: 0 } })));
    await app.data(Like, { id }, ben);
    expect(await next()).toEqual({ entryId: id, count: 1, entry: { id, likeCount: 1 } });
    await app.data(Unlike, { id }, ben);
    expect(await next()).toMatchObject({ entryId: id, count: 0 });
    await update({ id, expectedVersion: version, isPublic: false });
    await app.data(Like, { id }, ada);
    await app.data(Like, { id: other.id }, mod);
    expect(await next()).toMatchObject({ entryId: other.id, count: 1 });
    const { errors } = await app
      .connect(ada)
      .subscribe(LikeCounts, { ids: [hidden.id] })
      .next();
    expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
  });
});

describe('categories', () => {
  it('are made, changed and deleted by moderators', async () => {
    const { id, ...made } = await createCategory({ name: ' Data & Science ', description: 'Numbers.' });
    expect(made).toMatchObject({ name: 'Data & Science', slug: 'data-and-science', description: 'Numbers.', entryCount: 0 });
    expect(made.color).toMatch(/^#[0-9a-f]{6}$/);
    const entry = await create({ title: 'Counted', category: 'data-and-science' });
    const changed = await app.data(UpdateCategory, { input: { id, name: 'Data', description: null, color: '#ABCDEF' } }, mod);
    expect(changed).toEqual({
      updateCategory: { category: { id, name: 'Data', slug: 'data-and-science', description: null, color: '#abcdef', entryCount: 1 } },
    });
    expect(await app.data(UpdateCategory, { input: { id } }, mod)).toEqual(changed);
    expect(await titles({ category: 'DATA' })).toEqual(['Counted']);
    expect(await app.data(DeleteCategory, { id }, mod)).toEqual({ deleteCategory: { categoryId: id } });
    expect(await byId(entry.id)).toMatchObject({ category: null, version: 1 });
    expect(await app.code(DeleteCategory, { id }, mod)).toBe('NOT_FOUND');
    expect(await app.code(UpdateCategory, { input: { id, name: 'Gone' } }, mod)).toBe('NOT_FOUND');
  });

  it('have names of their own, whatever the case', async () => {
    const { id } = await createCategory({ name: 'Only One' });
    await createCategory({ name: 'Another' });
    expect(await app.code(CreateCategory, { input: { name: 'oNLY oNE' } }, mod)).toBe('CONFLICT');
    expect(await fieldsOf(UpdateCategory, { input: { id, name: 'another' } }, mod)).toEqual(['input.name']);
    const race = await Promise.all(Array.from({ length: 6 }, () => app.code(CreateCategory, { input: { name: 'Raced' } }, mod)));
    expect(race.filter((code) => code === undefined)).toHaveLength(1);
    expect(race.filter((code) => code === 'CONFLICT')).toHaveLength(5);
  });

  it('are not for others to change', async () => {
    for (const as of [ada, guest]) expect(await app.code(CreateCategory, { input: { name: 'Mine' } }, as)).toBe('FORBIDDEN');
    expect(await app.code(CreateCategory, { input: { name: 'Mine' } })).toBe('UNAUTHENTICATED');
    expect(await app.code(CreateCategory, { input: { name: 'x'.repeat(81) } }, mod)).toBe('BAD_USER_INPUT');
    expect(await app.code(CreateCategory, { input: { name: 'Red', color: 'red' } }, mod)).toBe('BAD_USER_INPUT');
  });

  it('are listed by name, and are nodes', async () => {
    const { categories } = await app.data(graphql(`query KnowledgeCategories { categories { id name } }`));
    const names = categories.map(({ name }) => name.toLowerCase());
    expect(names).toEqual([...names].sort());
    const { node } = await app.data(graphql(`query KnowledgeCategoryById($id: ID!) { node(id: $id) { ... on Category { id name } } }`), {
      id: present(categories[0]).id,
    });
    expect(node).toEqual(categories[0]);
  });
});

describe('filters', () => {
  beforeAll(async () => {
    await createCategory({ name: 'Filter Shelf' });
    await create({ title: 'f one', category: 'filter shelf', tags: ['f-red', '100%'], content: 'Alpha beta' }, ben);
    await create({ title: 'f two', category: 'filter-shelf', tags: ['f-red', 'f-blue'], content: 'snake_case here' }, ben);
    await create({ title: 'f three%', tags: ['f-blue'], content: 'back\\slash' }, mod);
    await create({ title: 'f own', isPublic: false, tags: ['f-red'] }, ben);
  });

  it.each([
    ['category by slug', { category: 'FILTER-shelf' }, ['f one', 'f two']],
    ['category by name', { category: ' filter SHELF ' }, ['f one', 'f two']],
    ['an unknown category', { category: 'nowhere' }, []],
    ['tag', { tag: 'F-Red' }, ['f one', 'f two']],
    ['a part of a tag', { tag: 'f-re' }, []],
    ['author', { author: 'BEN', search: 'f ' }, ['f one', 'f two']],
    ['an unknown author', { author: 'nobody' }, []],
    ['an impossible author', { author: '%' }, []],
    ['several at once', { category: 'filter shelf', tag: 'f-blue', author: 'ben' }, ['f two']],
    ['text in content', { search: 'ALPHA B' }, ['f one']],
    ['text in a tag', { search: 'F-BLU' }, ['f three%', 'f two']],
    ['a percent sign', { search: '%', tag: 'f-red' }, ['f one']],
    ['a percent sign in a title', { search: 'three%' }, ['f three%']],
    ['an underscore', { search: 'f_' }, []],
    ['an underscore that is there', { search: 'snake_c' }, ['f two']],
    ['a backslash', { search: 'back\\s' }, ['f three%']],
    ['nothing that is said', { category: '', tag: '', author: 'ben', search: '', isPublic: null }, null],
  ])('by %s', async (_what, filter, expected) => {
    const found = await titles(filter);
    if (expected !== null) expect(found).toEqual(expected);
    else expect(found).toContain('f one');
  });

  it('lets the author see their own', async () => {
    expect(await titles({ tag: 'f-red' }, ben)).toEqual(['f one', 'f own', 'f two']);
    expect(await titles({ tag: 'f-red', isPublic: false }, ben)).toEqual(['f own']);
    expect(await titles({ tag: 'f-red', isPublic: true }, ben)).toEqual(['f one', 'f two']);
  });

  it('refuses what is no text to look for', async () => {
    expect(await fieldsOf(List, { filter: { search: 'a\0' } })).toEqual(['filter.search']);
    expect(await fieldsOf(List, { filter: { search: 'x'.repeat(101) } })).toEqual(['filter.search']);
  });

  it('lists tags by frequency and name', async () => {
    const { tags } = await app.data(graphql(`query KnowledgePublicTags { tags(search: "F-") }`));
    expect(tags).toEqual(['f-blue', 'f-red']);
    const { tags: own } = await app.data(graphql(`query KnowledgeOwnTags { tags(search: "f-") }`), {}, ben);
    expect(own).toEqual(['f-red', 'f-blue']);
    expect((await app.data(graphql(`query KnowledgeWildcardTags { tags(search: "%") }`))).tags).toEqual(['100%']);
  });
});

describe('orders', () => {
  const orders = ['NEWEST', 'OLDEST', 'UPDATED', 'POPULAR', 'TITLE'] as const;
  const SHELF = { category: 'orders' };
  let stable: string[];

  /** Every tie there can be: few different times, titles and counts. */
  const insert = async (count: number): Promise<string[]> => {
    const rows = await app.database.query<{ id: string }>(
      `INSERT INTO entry (id, title, slug, content, author_id, category_id, like_count, created_at, updated_at)
       SELECT gen_random_uuid(), (ARRAY['a', 'B', 'Ä', 'b', 'ß', '_'])[1 + floor(random() * 6)], 'o-' || gen_random_uuid(), 'c', "user".id, category.id,
         floor(random() * 3), timestamptz '2026-01-01' + floor(random() * 4) * interval '1 ms', timestamptz '2026-01-01' + floor(random() * 4) * interval '1 h'
       FROM generate_series(1, $1::int), "user", category WHERE username = 'Ada' AND category.slug = 'orders' RETURNING id`,
      [count],
    );
    return rows.map(({ id }) => Buffer.from(`Entry:${id}`).toString('base64url'));
  };

  beforeAll(async () => {
    await createCategory({ name: 'Orders' });
    stable = await insert(40);
  });

  it.each(orders)('%s shows every entry once, whatever is inserted meanwhile', async (orderBy) => {
    const seen: string[] = [];
    let after: string | null = null;
    for (let more = true; more;) {
      const page: EntriesPage = await list({ filter: SHELF, orderBy, first: 7, after });
      seen.push(...page.edges.map(({ node }) => node.id));
      after = page.pageInfo.endCursor;
      more = page.pageInfo.hasNextPage;
      if (seen.length < 60) await insert(3);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(stable));
  });

  it.each(orders)('%s is the same from both ends and in pages of any size', async (orderBy) => {
    const whole = (await list({ filter: SHELF, orderBy, first: 100 })).edges.map(({ node }) => node.id);
    const backward: string[] = [];
    let before: string | null = null;
    do {
      const page: EntriesPage = await list({ filter: SHELF, orderBy, last: 9, before });
      backward.unshift(...page.edges.map(({ node }) => node.id));
      before = page.edges.length === 9 ? (page.edges[0]?.cursor ?? null) : null;
    } while (before !== null);
    const total = (await list({ filter: SHELF, first: 1 })).totalCount;
    expect(backward).toHaveLength(total);
    expect(backward.slice(0, whole.length)).toEqual(whole);
  });

  it('are what they say', async () => {
    const sorted = async (orderBy: EntryOrder, column: 'createdAt' | 'updatedAt' | 'likeCount') => {
      const page = await app.data(
        graphql(
          `query KnowledgeEntries($orderBy: EntryOrder) { entries(first: 100, orderBy: $orderBy) { edges { node { createdAt updatedAt likeCount } } } }`,
        ),
        { orderBy },
      );
      return page.entries.edges.map(({ node }) => node[column]);
    };
    const ascending = (values: (string | number)[]) => [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(await sorted('OLDEST', 'createdAt')).toEqual(ascending(await sorted('OLDEST', 'createdAt')));
    for (const [order, column] of [
      ['NEWEST', 'createdAt'],
      ['UPDATED', 'updatedAt'],
      ['POPULAR', 'likeCount'],
    ] as const) {
      const values = await sorted(order, column);
      expect(values).toEqual(ascending(values).reverse());
    }
    const [popular, byLikes] = await Promise.all([
      app.data(graphql(`query KnowledgePopularEntries { popularEntries(first: 5) { edges { cursor node { id title } } } }`)),
      list({ orderBy: 'POPULAR', first: 5 }),
    ]);
    expect(popular.popularEntries.edges).toEqual(byLikes.edges);
    // Without a word about the order, the newest come first.
    expect((await list({ first: 5 })).edges).toEqual((await list({ first: 5, orderBy: 'NEWEST' })).edges);
  });

  it('refuse the cursor of another order', async () => {
    const { endCursor } = (await list({ orderBy: 'NEWEST', first: 1 })).pageInfo;
    expect(await app.code(List, { orderBy: 'OLDEST', after: endCursor })).toBe('BAD_USER_INPUT');
  });
});

describe('the number of statements', () => {
  it('is one for the list of a category with authors', async () => {
    const { name } = await createCategory({ name: 'Technical' });
    for (let index = 0; index < 12; index += 1) await create({ title: `Tech ${index}`, category: name }, index % 2 ? ada : ben);
    const document = graphql(
      `query KnowledgeTechnical { entries(first: 10, filter: {category: "technical"}) { edges { node { id title author { username } } } } }`,
    );
    let result: ResultOf<typeof document> | undefined;
    const statements = await app.countStatements(async () => {
      result = await app.data(document);
    });
    expect(result?.entries?.edges).toHaveLength(10);
    expect(result?.entries?.edges[0]?.node).toEqual({ id: expect.any(String), title: 'Tech 11', author: { username: 'Ada' } });
    expect(statements).toHaveLength(1);
    expect(statements.join()).not.toContain('"content"');
  });

  it('does not depend on the number of rows', async () => {
    const query = graphql(`query KnowledgeWithCategories($first: Int) {
      entries(first: $first) { totalCount edges { node {
        title content contentHtml viewerHasLiked category { name entryCount }
        author { username entries(first: 2) { totalCount edges { node { title content viewerHasLiked } } } }
      } } }
    }`);
    const cost = async (first: number) => (await app.countStatements(() => app.data(query, { first }, ada))).length;
    const few = await cost(2);
    // A longer page may even cost less: what it has loaded itself its authors' entries need not load again.
    expect(await cost(50)).toBeLessThanOrEqual(few);
    expect(few).toBeLessThanOrEqual(10);
  });

  it('is one for any number of nodes', async () => {
    const ids = (await list({ first: 30 })).edges.map(({ node }) => node.id);
    const query = graphql(`query KnowledgeNodes($ids: [ID!]!) { nodes(ids: $ids) { ... on Entry { id content author { username } } } }`);
    let nodes: unknown[] = [];
    const statements = await app.countStatements(async () => {
      ({ nodes } = await app.data(query, { ids }));
    });
    expect(nodes).toHaveLength(ids.length);
    expect(ids.length).toBeGreaterThan(10);
    expect(statements).toHaveLength(1);
  });
});
