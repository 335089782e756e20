import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EntryFilter, EntryOrder } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present, type ResultOf, type VariablesOf } from '../kit/graphql.js';
import { scansOf, type Statement } from '../kit/plans.js';

/*
 * What is the same to people in several forms: of Unicode, of case, of width, with accents and without.
 */

let app: TestApp;
let ada: TestUser;
let mod: TestUser;
let sent: Statement[] | null = null;

beforeAll(async () => {
  app = await startTestApp({ onStatement: (sql, params) => sent?.push({ sql, params: JSON.parse(params) as unknown[] }) });
  [ada, mod] = await Promise.all([app.user('ada'), app.userWithRole('mod', 'MODERATOR')]);
});
afterAll(() => app.stop());

const CreateEntry = graphql(
  `mutation LanguagesCreateEntry($input: CreateEntryInput!) { createEntry(input: $input) { entry { id title content tags category { name } } } }`,
);
const CreateCategory = graphql(
  `mutation LanguagesCreateCategory($name: String!) { createCategory(input: { name: $name }) { category { id name slug } } }`,
);
const Entries = graphql(
  `query LanguagesEntries($filter: EntryFilter, $orderBy: EntryOrder, $first: Int, $after: String, $last: Int, $before: String) {
    entries(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { title }
    }
  }`,
);
const CategoryOf = graphql(`query LanguagesCategory($slug: String!) { category(slug: $slug) { name } }`);

const write = async (input: { title: string; content?: string; tags?: string[]; category?: string; isPublic?: boolean }) =>
  (await app.data(CreateEntry, { input: { content: 'Text', ...input } }, ada)).createEntry.entry;
const file = async (name: string) => (await app.data(CreateCategory, { name }, mod)).createCategory.category;
const titles = async (filter: EntryFilter, orderBy: EntryOrder = 'OLDEST'): Promise<string[]> =>
  (await app.data(Entries, { filter, orderBy, first: 100 }, ada)).entries.nodes.map(({ title }) => title);

describe('a text', () => {
  it('is stored in one form of Unicode, wherever it is written', async () => {
    const decomposed = 'cafe\u0301 \u1112\u1161\u11ab';
    const composed = 'café 한';
    const Write = graphql(`mutation LanguagesWrite($text: String!) {
      createPost(input: { body: $text }) { post { id body } }
      createGroup(input: { title: $text, memberIds: [] }) { conversation { id title } }
      updateProfile(input: { displayName: $text, bio: $text, status: $text }) { user { displayName bio status } }
      createEntry(input: { title: $text, content: $text, tags: [$text] }) { entry { title content tags } }
    }`);
    const written = await app.data(Write, { text: decomposed }, ada);
    const Answer = graphql(`mutation LanguagesAnswer($post: ID!, $group: ID!, $text: String!) {
      addComment(input: { postId: $post, body: $text }) { comment { body } }
      sendMessage(input: { conversationId: $group, body: $text }) { message { body } }
    }`);
    const { createPost, createGroup } = written;
    const answered = await app.data(Answer, { post: createPost.post.id, group: createGroup.conversation.id, text: decomposed }, ada);
    const Category = graphql(
      `mutation LanguagesDescribe($text: String!) { createCategory(input: { name: $text, description: $text }) { category { name description } } }`,
    );
    const described = await app.data(Category, { text: decomposed }, mod);
    const texts = JSON.stringify([written, answered, described]);
    expect(texts.split(composed)).toHaveLength(1 + 2 + 3 + 3 + 2 + 2);
    expect(texts).not.toContain('\u0301');
  });
});

describe('categories', () => {
  it('that differ by a sign are two, with two slugs', async () => {
    const made = await Promise.all(['C#', 'C', 'C++', '.NET', 'NET'].map((name) => file(name)));
    expect(made.map(({ slug }) => slug)).toEqual(['c-sharp', 'c', 'c-plus-plus', 'dot-net', 'net']);
    for (const { name } of made) await write({ title: `about ${name}`, category: name });
    for (const { name } of made) expect(await titles({ category: name })).toEqual([`about ${name}`]);
  });

  it('that differ in writing alone are one', async () => {
    for (const [one, other] of [
      ['STRASSE', 'straße'],
      ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
      ['İstanbul', 'istanbul'],
      ['ﬁles', 'Files'],
      ['ＷＥＢ', 'web'],
      ['re\u0301sume\u0301', 'Résumé'],
    ] as const) {
      await file(one);
      expect(await app.code(CreateCategory, { name: other }, mod)).toBe('CONFLICT');
      expect((await app.data(CategoryOf, { slug: other })).category.name).toBe(one.normalize('NFC'));
    }
  });

  it('are found by their names, and only then by slugs, of which one that becomes a name is given up', async () => {
    const { slug } = await file('Été');
    expect(slug).toBe('ete');
    expect((await app.data(CategoryOf, { slug: 'ete' })).category.name).toBe('Été');
    expect((await file('Ete')).slug).toBe('ete');
    expect((await app.data(CategoryOf, { slug: 'ete' })).category.name).toBe('Ete');
    expect((await app.data(CategoryOf, { slug: 'ete-2' })).category.name).toBe('Été');
    expect((await app.data(CategoryOf, { slug: 'ÉTÉ' })).category.name).toBe('Été');
  });

  it('are listed in the order of people, not of bytes', async () => {
    for (const name of ['order Zebra', 'order apple', 'order Äpfel', 'order Banana', 'order éclair']) await file(name);
    const { categories } = await app.data(graphql(`query LanguagesCategories { categories { name } }`));
    expect(categories.map(({ name }) => name).filter((name) => name.startsWith('order '))).toEqual([
      ...['order Äpfel', 'order apple', 'order Banana', 'order éclair', 'order Zebra'],
    ]);
  });
});

describe('tags', () => {
  it('that differ in writing alone are one, shown as they were first written', async () => {
    expect((await write({ title: 'twins', tags: ['Straße', 'STRASSE', 'cafe\u0301', 'CAFÉ', 'ΣΊΣΥΦΟΣ'] })).tags).toEqual([
      'straße',
      'café',
      'σίσυφος',
    ]);
    await write({ title: 'another', tags: ['strasse', 'ＣＡＦÉ'] });
    for (const tag of ['straße', 'Strasse', 'café']) expect(await titles({ tag })).toEqual(['twins', 'another']);
    expect(await titles({ tag: 'ΣΊΣΥΦΟς' })).toEqual(['twins']);
    expect(await titles({ tag: 'cafe' })).toEqual([]);
    const { tags } = await app.data(graphql(`query LanguagesTags { tags(search: "stra") }`));
    expect(tags).toEqual(['straße']);
  });

  it('are found without accents', async () => {
    const { tags } = await app.data(graphql(`query LanguagesTagsWithout { tags(search: "CAFE") }`));
    expect(tags).toContain('café');
    await write({ title: 'kept back', tags: ['Crème brûlée'], isPublic: false });
    expect((await app.data(graphql(`query LanguagesOwnTags { tags(search: "creme bru") }`), {}, ada)).tags).toEqual(['crème brûlée']);
  });
});

describe('a search', () => {
  beforeAll(async () => {
    await write({ title: 'find Müller', content: 'Ein Café in der Straße, İstanbul, ﬁnal, ＦＵＬＬ ｗｉｄｔｈ. Łódź, naïve, 100%_' });
    await write({ title: 'find Сизиф', content: 'ΣΊΣΥΦΟΣ или Ёлка; 日本語の本; Đà Nẵng; 한국어' });
    const rename = graphql(`mutation LanguagesRename { updateProfile(input: { displayName: "Zoë Müller" }) { user { id } } }`);
    await app.data(rename, {}, ada);
  });

  it.each(['muller', 'MÜLLER', 'Mu\u0308ller', 'cafe', 'CAFÉ', 'strasse', 'istanbul', 'FINAL', 'full width', 'lodz', 'naive', '100%_'])(
    'for %j finds the entry in which it stands',
    async (search) => {
      expect(await titles({ search })).toContain('find Müller');
      expect(await titles({ search })).not.toContain('find Сизиф');
    },
  );

  it.each(['сизиф', 'СИЗИФ', 'σίσυφος', 'Σισυφος', 'ёлка', 'елка', '日本語', 'da nang', '한국어', '\u1112\u1161\u11ab국어', 'си'])(
    'for %j finds the entry in which it stands, in another script',
    async (search) => {
      expect(await titles({ search })).toContain('find Сизиф');
      expect(await titles({ search })).not.toContain('find Müller');
    },
  );

  it('finds people and messages without accents as well', async () => {
    const Users = graphql(`query LanguagesUsers($search: String) { users(search: $search) { totalCount nodes { username } } }`);
    for (const search of ['zoe', 'ZOË MULLER', 'Ad'])
      expect((await app.data(Users, { search })).users).toEqual({ totalCount: 1, nodes: [{ username: 'ada' }] });
    const Group = graphql(`mutation LanguagesGroup { createGroup(input: { title: "Words", memberIds: [] }) { conversation { id } } }`);
    const { id } = (await app.data(Group, {}, ada)).createGroup.conversation;
    const Send = graphql(
      `mutation LanguagesSend($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { message { id } } }`,
    );
    for (const body of ['Crème brûlée', 'ein Gruß', 'anything else']) await app.data(Send, { id, body }, ada);
    const Search = graphql(`query LanguagesMessages($id: ID!, $search: String) {
      conversation(id: $id) { messages(search: $search) { totalCount nodes { body } } }
      me { messageHistory(search: $search) { totalCount nodes { body } } }
    }`);
    for (const [search, body] of [
      ['CREME bru', 'Crème brûlée'],
      ['gruss', 'ein Gruß'],
    ] as const) {
      const found = await app.data(Search, { id, search }, ada);
      const expected = { totalCount: 1, nodes: [{ body }] };
      expect([present(found.conversation).messages, present(found.me).messageHistory]).toEqual([expected, expected]);
    }
  });
});

describe('entries by title', () => {
  const NAMES = ['zebra', 'Zebra', 'apple', 'Äpfel', 'äpfel', 'Apfel', 'éclair', 'eclair', 'Łódź', 'lodz', 'ñandú', 'İstanbul', 'ılık'];
  const OTHERS = [
    'Ελλάδα',
    'ελλάδα',
    'Ёлка',
    'елка',
    'йод',
    'иод',
    'שלום',
    'سلام',
    '日本',
    '한국',
    'ガッコウ',
    'かな',
    '10',
    '2',
    '№',
    '_',
    '-a',
    'ﬁn',
  ];
  const SHELF = { tag: 'shelf' };

  beforeAll(async () => {
    // Some titles twice, which only their ids tell apart.
    const all = [...NAMES, ...OTHERS, ...NAMES].map((title) => title.normalize('NFC'));
    await Promise.all(all.map((title) => write({ title, tags: ['shelf'] })));
  });

  type Page = Pick<VariablesOf<typeof Entries>, 'first' | 'last' | 'after' | 'before'>;
  const pageOf = async (page: Page): Promise<NonNullable<ResultOf<typeof Entries>['entries']>> =>
    (await app.data(Entries, { filter: SHELF, orderBy: 'TITLE', ...page }, ada)).entries;

  it('come in the order of the Unicode Collation Algorithm', async () => {
    const all = await titles(SHELF, 'TITLE');
    const latin = all.filter((title) => ['zebra', 'Zebra', 'apple', 'Äpfel', 'éclair', 'eclair', 'Łódź', 'ñandú'].includes(title));
    expect([...new Set(latin)]).toEqual(['Äpfel', 'apple', 'eclair', 'éclair', 'Łódź', 'ñandú', 'zebra', 'Zebra']);
    expect(all.indexOf('zebra')).toBeLessThan(all.indexOf('Ελλάδα'));
  });

  it.each([1, 2, 3, 7, 100])('are all there once in pages of %i, from either end', async (size) => {
    const whole = await titles(SHELF, 'TITLE');
    expect(whole).toHaveLength(2 * NAMES.length + OTHERS.length);
    for (const way of ['forwards', 'backwards'] as const) {
      const read: string[] = [];
      for (let cursor: string | null | undefined = null; cursor !== undefined;) {
        const page: Page = way === 'forwards' ? { first: size, after: cursor } : { last: size, before: cursor };
        const { nodes, pageInfo } = await pageOf(page);
        if (way === 'forwards') read.push(...nodes.map(({ title }) => title));
        else read.unshift(...nodes.map(({ title }) => title));
        const next = way === 'forwards' ? pageInfo.hasNextPage && pageInfo.endCursor : pageInfo.hasPreviousPage && pageInfo.startCursor;
        cursor = next === false ? undefined : present(next);
      }
      expect(read).toEqual(whole);
    }
  });
});

describe('of 20,000 entries', () => {
  const COUNT = 20_000;

  beforeAll(async () => {
    const [author] = await app.database.query<{ id: string }>(`SELECT id FROM "user" WHERE username = 'ada'`);
    await app.database.query(
      `INSERT INTO entry (id, title, slug, content, tags, tag_keys, author_id)
       SELECT gen_random_uuid(), (ARRAY['Ärger', 'zebra', 'Éclair', 'яблоко', 'apple'])[1 + n % 5] || ' ' || n, 'many-' || n,
         'überall steht dasselbe, ' || md5(n::text) || CASE WHEN n % 4000 = 0 THEN ' Gemütlichkeit und Дружба' ELSE '' END, ARRAY['viele'], ARRAY['viele'], $2::uuid
       FROM generate_series(1, $1::int) n`,
      [COUNT, present(author).id],
    );
    await app.database.query('VACUUM ANALYZE');
  });

  const Page = graphql(`query LanguagesPage($filter: EntryFilter, $orderBy: EntryOrder, $first: Int, $after: String) {
    entries(filter: $filter, orderBy: $orderBy, first: $first, after: $after) { nodes { title } }
  }`);

  const plansOf = async (variables: object): Promise<{ readonly by: readonly string[]; readonly rows: number }> => {
    const statements: Statement[] = [];
    sent = statements;
    await app.data(Page.toString(), variables, ada);
    sent = null;
    const scans = (await scansOf(app.database, statements)).filter((scan) =>
      /^entry/.test(scan['Index Name'] ?? scan['Relation Name'] ?? ''),
    );
    return {
      by: scans.map((scan) => scan['Index Name'] ?? `${scan['Node Type']} ${scan['Relation Name'] ?? ''}`),
      rows: scans.reduce((sum, scan) => sum + (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0)) * scan['Actual Loops'], 0),
    };
  };

  it('a page by title is read from its index, at its beginning and in its middle', async () => {
    const { entries } = await app.data(Entries, { orderBy: 'TITLE', first: 100 }, ada);
    for (const after of [null, entries.pageInfo.endCursor]) {
      const { by, rows } = await plansOf({ orderBy: 'TITLE', first: 50, after });
      expect(by).toContain('entry_title_id_idx');
      expect(rows).toBeLessThan(200);
    }
  });

  it.each(['gemutlichkeit', 'ДРУЖБА'])('those with %j are found by the indexes of words', async (search) => {
    const { entries } = await app.data(Entries, { filter: { search } }, ada);
    expect(entries.totalCount).toBe(COUNT / 4000);
    const { by } = await plansOf({ filter: { search }, first: 10 });
    expect(by).toEqual(expect.arrayContaining(['entry_title_idx', 'entry_content_key_idx', 'entry_tag_keys_idx']));
    expect(by.filter((name) => name.startsWith('Seq Scan'))).toEqual([]);
  });

  it('people and tags are found by the indexes of words', async () => {
    await app.database.query(
      `INSERT INTO "user" (id, username, username_key, display_name)
       SELECT gen_random_uuid(), 'person' || n, 'person' || n, 'Zoë ' || md5(n::text) || CASE WHEN n = 77 THEN ' Müllerová' ELSE '' END FROM generate_series(1, $1::int) n`,
      [COUNT],
    );
    await app.database.query(
      `INSERT INTO tag (key, tag, entry_count) SELECT 'größe' || n, 'größe' || n, 1 FROM generate_series(1, $1::int) n`,
      [COUNT],
    );
    await app.database.query('VACUUM ANALYZE');
    const Users = graphql(
      `query LanguagesManyUsers { users(search: "mullerova") { totalCount nodes { username } } tags(search: "GROSSE12345") }`,
    );
    const statements: Statement[] = [];
    sent = statements;
    const { users, tags } = await app.data(Users, {}, ada);
    sent = null;
    expect([users.nodes, users.totalCount, tags]).toEqual([[{ username: 'person77' }], 1, ['größe12345']]);
    const scans = await scansOf(app.database, statements);
    const names = scans.map((scan) => scan['Index Name'] ?? `${scan['Node Type']} ${scan['Relation Name'] ?? ''}`);
    expect(names).toEqual(expect.arrayContaining(['user_username_key_idx', 'user_display_name_idx', 'tag_tag_idx']));
    expect(names.filter((name) => /Seq Scan (user|tag)$/.test(name))).toEqual([]);
  });

  it('those with what is everywhere are read along the order of the list', async () => {
    const { entries } = await app.data(Entries, { filter: { search: 'uberall' }, orderBy: 'TITLE', first: 10 }, ada);
    expect(entries.totalCount).toBe(10_000);
    expect(entries.nodes).toHaveLength(10);
    const { by } = await plansOf({ filter: { search: 'uberall' }, orderBy: 'TITLE', first: 10 });
    expect(by).toContain('entry_title_id_idx');
  });
});
