import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runImport } from '../../src/cli/import.js';
import { importFolder, type ImportProgress, type ImportReport } from '../../src/domains/knowledge/import.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let authorId: string;
let folder: string;

beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('Ada');
  const [row] = await app.database.query<{ id: string }>(`SELECT id FROM "user" WHERE username = 'Ada'`);
  authorId = row?.id ?? '';
});
afterAll(() => app.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lyceum-import-'));
  return () => rm(folder, { recursive: true, force: true });
});

const put = async (files: Readonly<Record<string, string | Buffer>>): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
};

/** Of an import whose folder and files are where they were. */
const STAYED = { movedFrom: null, renamed: new Map<string, string>() };

const importAll = (onProgress?: (progress: ImportProgress) => void): Promise<ImportReport> =>
  importFolder(app.services, { folder, authorId, onProgress });

interface Entry {
  readonly id: string;
  readonly title: string;
  readonly slug: string;
  readonly content: string;
  readonly tags: string[];
  readonly isPublic: boolean;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly category: { readonly name: string } | null;
  readonly author: { readonly username: string };
}

const find = async (filter: object): Promise<Entry[]> => {
  const { entries } = await app.data(
    graphql(`query ImportEntries($filter: EntryFilter) { entries(first: 100, orderBy: TITLE, filter: $filter) { edges { node {
      id title slug content tags isPublic version createdAt updatedAt category { name } author { username }
    } } } }`),
    { filter },
    ada,
  );
  return entries.edges.map(({ node }) => node);
};
const one = async (filter: object): Promise<Entry> => {
  const [entry, ...others] = await find(filter);
  if (entry === undefined || others.length > 0) throw new Error(`There are ${others.length + (entry ? 1 : 0)} entries.`);
  return entry;
};
const total = async (): Promise<number> => {
  const [row] = await app.database.query<{ count: number }>('SELECT count(*)::int AS count FROM entry');
  return row?.count ?? 0;
};

describe('importFolder', () => {
  it('makes entries of files', async () => {
    await put({
      'first.md': '---\ntitle: The first\ncategory: Import One\ntags: [Alpha, beta]\n---\nHello *you*.\n',
      'Guides for all/second.markdown': '# Second **file**\n\ntext of-second-file',
      'Guides for all/deep/third.md': '---\nvisibility: private\n---\nthird-is-private',
      'notes.txt': 'not Markdown',
    });
    const before = Date.now();
    expect(await importAll()).toEqual({
      ...{ created: 3, updated: 0, unchanged: 0, failed: [], leftOut: [], ...STAYED },
      notes: [{ path: 'Guides for all/deep/third.md', reason: 'is private: its author has kept it back (visibility: private)' }],
    });
    const first = await one({ category: 'import-one' });
    expect(first).toMatchObject({
      ...{ title: 'The first', slug: 'the-first', content: 'Hello *you*.\n', tags: ['alpha', 'beta'], isPublic: true, version: 1 },
      ...{ category: { name: 'Import One' }, author: { username: 'Ada' } },
    });
    expect(Date.parse(first.createdAt)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(first.createdAt)).toBeLessThanOrEqual(Date.now());
    expect(first.updatedAt).toBe(first.createdAt);
    expect(await one({ tag: 'ALPHA', category: 'import one' })).toEqual(first);
    expect(await one({ search: 'of-second-file' })).toMatchObject({ title: 'Second file', category: { name: 'Guides for all' } });
    expect(await one({ search: 'third-is-private' })).toMatchObject({
      title: 'Third',
      isPublic: false,
      category: { name: 'Guides for all' },
    });
  });

  it('changes nothing when it is run again', async () => {
    await put({ 'a/x.md': '# Again X\n\n[y](y.md)', 'a/y.md': '# Again Y\n\n[x](./x.md)', 'a/z.md': '# Again X\n' });
    expect(await importAll()).toMatchObject({ created: 3 });
    const entries = await find({ search: 'Again' });
    expect(entries.map(({ slug }) => slug).sort()).toEqual(['again-x', 'again-x-2', 'again-y']);
    const count = await total();
    const statements = await app.countStatements(async () => {
      expect(await importAll()).toEqual({ created: 0, updated: 0, unchanged: 3, failed: [], notes: [], leftOut: [], ...STAYED });
    });
    expect(statements.join()).not.toMatch(/INSERT|UPDATE/);
    expect(await find({ search: 'Again' })).toEqual(entries);
    expect(await total()).toBe(count);
    // The same folder by another name.
    const alias = `${folder}-alias`;
    await symlink(folder, alias);
    try {
      expect(await importFolder(app.services, { folder: alias, authorId })).toMatchObject({ created: 0, unchanged: 3 });
    } finally {
      await rm(alias);
    }
  });

  it('updates what has changed', async () => {
    await put({ 'moved.md': '# Will change\n\nchange-marker one', 'still.md': '# Stays as it is\n' });
    await importAll();
    const before = await one({ search: 'change-marker' });
    await app.database.query(`UPDATE entry SET created_at = '2026-01-01', updated_at = '2026-01-01' WHERE slug = $1`, [before.slug]);
    await put({
      'moved.md': '---\ntags: new\ncategory: Changed\n---\n# Has changed\n\nchange-marker two',
      'more.md': '# One more import\n',
    });
    expect(await importAll()).toEqual({ created: 1, updated: 1, unchanged: 1, failed: [], notes: [], leftOut: [], ...STAYED });
    const after = await one({ search: 'change-marker' });
    expect(after).toMatchObject({
      ...{ id: before.id, slug: before.slug, title: 'Has changed', tags: ['new'], category: { name: 'Changed' } },
      ...{ version: 2, createdAt: '2026-01-01T00:00:00.000Z' },
    });
    expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse('2026-01-01T00:00:00.000Z'));
    expect(await importAll()).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
  });

  it('leaves alone what was edited here and not there', async () => {
    await put({ 'e.md': '# Edited in both\n\nedit-marker' });
    await importAll();
    const { id } = await one({ search: 'edit-marker' });
    const edit = graphql(
      `mutation ImportEdit($id: ID!, $v: Int!) { updateEntry(input: { id: $id, expectedVersion: $v, title: "Edited here" }) { entry { version } } }`,
    );
    await app.data(edit, { id, v: 1 }, ada);
    expect(await importAll()).toMatchObject({ updated: 0, unchanged: 1 });
    expect((await one({ search: 'edit-marker' })).title).toBe('Edited here');
    await put({ 'e.md': '# Edited there\n\nedit-marker' });
    expect(await importAll()).toMatchObject({ updated: 1, unchanged: 0 });
    expect(await one({ search: 'edit-marker' })).toMatchObject({ id, title: 'Edited there', version: 3 });
    await app.data(`mutation ($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`, { id }, ada);
    expect(await importAll()).toMatchObject({ created: 1 });
  });

  it('turns links between files into links between entries', async () => {
    await put({
      'README.md':
        '# Link root\n\n[a](docs/a.md) [b](docs/b%20c.md#part "t") [out](../x.md) [none](docs/none.md) [web](https://example.com/a.md)\n\n`[a](docs/a.md)`',
      'docs/a.md': '# Link target\n\nback to [root](../README.md), [bad](bad.md) and [folder](..)',
      'docs/b c.md': '# Link target\n',
      'docs/bad.md': Buffer.from([0x89, 0x81, 0x8d]),
    });
    const report = await importAll();
    expect(report).toMatchObject({ created: 3, failed: [{ path: 'docs/bad.md', reason: 'is not a text in any encoding that is known' }] });
    expect((await one({ search: 'Link root' })).content).toBe(
      '# Link root\n\n[a](/entries/link-target) [b](/entries/link-target-2#part "t") [out](../x.md) [none](docs/none.md) [web](https://example.com/a.md)\n\n`[a](docs/a.md)`',
    );
    expect((await one({ search: 'back to' })).content).toBe(
      '# Link target\n\nback to [root](/entries/link-root), [bad](bad.md) and [folder](/entries/link-root)',
    );
    // A link whose target comes later makes its file a changed one.
    await put({ 'docs/bad.md': '# Now it is good\n' });
    expect(await importAll()).toMatchObject({ created: 1, updated: 1, unchanged: 2 });
    expect((await one({ search: 'back to' })).content).toContain('[bad](/entries/now-it-is-good)');
  });

  it('skips broken files and says why', async () => {
    await put({
      'good.md': '# A good file among broken ones\n',
      'empty.md': ' \n',
      '.obsidian/plugin.md': 'of a program',
      'nul.md': 'a\0b',
      'yaml.md': '---\ntitle: [\n---\ntext',
      'visibility.md': '---\nvisibility: secret\n---\ntext',
      'long.md': 'x'.repeat(200_001),
      // Grows beyond what an entry may have when its links are rewritten.
      'grows.md': `${'[a](good.md)\n\n'.repeat(200)}${'x'.repeat(197_000)}`,
    });
    await symlink(join(folder, 'nowhere'), join(folder, 'broken.md'));
    const { failed, notes, leftOut, ...counts } = await importAll();
    expect(counts).toEqual({ created: 3, updated: 0, unchanged: 0, ...STAYED });
    expect(leftOut).toEqual([{ path: '.obsidian/', reason: 'is hidden: it belongs to a program' }]);
    expect(new Set(notes.map(({ path }) => path))).toEqual(new Set(['yaml.md', 'visibility.md']));
    expect(Object.fromEntries(failed.map(({ path, reason }) => [path, reason]))).toEqual({
      'broken.md': 'does not exist',
      'empty.md': 'is empty',
      'grows.md': 'is longer than 200000 characters with its links rewritten',
      'long.md': 'is longer than 200000 characters',
      'nul.md': expect.stringContaining('NUL'),
    });
  });

  it('skips the one row that the database refuses, and not those beside it', async () => {
    // Too long for the index over sources, whatever compression does.
    const deep = Array.from({ length: 19 }, () => randomBytes(120).toString('base64url'));
    await put({ 'left.md': '# Left of the refused\n', 'right.md': '# Right of the refused\n' });
    let path = folder;
    for (const name of deep) path = join(path, name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'm.md'), '# Refused\n');
    const { failed, ...counts } = await importAll();
    expect(counts).toEqual({ created: 2, updated: 0, unchanged: 0, notes: [], leftOut: [], ...STAYED });
    expect(failed).toEqual([{ path: `${deep.join('/')}/m.md`, reason: expect.stringMatching(/^the database refuses it: .*index/) }]);
    expect(await find({ search: 'of the refused' })).toHaveLength(2);
  });

  it('gives many files of one title slugs of their own', async () => {
    await put(Object.fromEntries(Array.from({ length: 450 }, (_, index) => [`p${index}/changelog.md`, `# Many logs\n\nlog ${index}`])));
    await put({ 'm2.md': '# Many logs 2\n' });
    const progress: ImportProgress[] = [];
    expect(await importAll((step) => progress.push(step))).toMatchObject({ created: 451, failed: [] });
    const slugs = await app.database.query<{ slug: string }>(`SELECT slug FROM entry WHERE slug LIKE 'many-logs%'`);
    expect(slugs.map(({ slug }) => slug)).toEqual(expect.arrayContaining(['many-logs', 'many-logs-2', 'many-logs-451']));
    expect(slugs).toHaveLength(451);
    expect(progress[0]).toEqual({ stage: 'reading', done: 0, total: 451 });
    expect(progress).toContainEqual({ stage: 'reading', done: 451, total: 451 });
    expect(progress.at(-1)).toEqual({ stage: 'writing', done: 451, total: 451 });
    for (const { done, total: all } of progress) expect(done).toBeLessThanOrEqual(all);
    // Another folder meets slugs that are taken already.
    await rm(folder, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'lyceum-import-'));
    await put({ 'again.md': '# Many logs\n' });
    expect(await importAll()).toMatchObject({ created: 1, failed: [] });
    expect(await app.database.query(`SELECT 1 FROM entry WHERE slug = 'many-logs-452'`)).toHaveLength(1);
  });

  it('finds a folder again that was moved, and the files that were renamed in it', async () => {
    const text = 'It is long enough to be told from others, and says something of its own.';
    await put({ 'one.md': `# Moves along\n\n${text} 1`, 'two.md': `# Moves too\n\n${text} 2 [one](one.md)`, 'deep/three.md': `${text} 3` });
    await importAll();
    const before = await find({ search: 'long enough to be told' });
    const count = await total();
    const old = folder;
    folder = `${old}-moved`;
    await rename(old, folder);
    const moved = await importAll();
    expect(moved).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
    expect(moved.movedFrom).toMatch(new RegExp(`${basename(old)}$`));
    await rename(join(folder, 'deep/three.md'), join(folder, 'renamed.md'));
    const renamed = await importAll();
    expect(renamed).toMatchObject({ created: 0, updated: 1, unchanged: 2, movedFrom: null });
    expect([...renamed.renamed]).toEqual([['renamed.md', 'deep/three.md']]);
    const after = await find({ search: 'long enough to be told' });
    expect(new Set(after.map(({ id, slug }) => `${id} ${slug}`))).toEqual(new Set(before.map(({ id, slug }) => `${id} ${slug}`)));
    expect(after.map(({ title }) => title)).toContain('Renamed');
    expect(await total()).toBe(count);
  });

  it('knows a file by its name in whatever form of Unicode the disk has it', async () => {
    const [composed, decomposed] = ['Caf\u00e9/Men\u00fc.md', 'Cafe\u0301/Menu\u0308.md'];
    await put({ [decomposed]: 'one\n', 'index.md': `[menu](${encodeURI(composed)})\n` });
    expect(await importAll()).toMatchObject({ created: 2 });
    const entry = await one({ category: 'Cafe\u0301' });
    expect(entry).toMatchObject({ title: 'Menü', category: { name: 'Café' } });
    // As releases before have stored it.
    await app.database.query(`UPDATE entry SET source = normalize(source, NFD) WHERE slug = $1`, [entry.slug]);
    expect(await importAll()).toMatchObject({ created: 0, unchanged: 2, ...STAYED });
    await rm(join(folder, dirname(decomposed)), { recursive: true });
    await put({ [composed]: 'two\n' });
    expect(await importAll()).toMatchObject({ created: 0, updated: 1, unchanged: 1, ...STAYED });
    expect(await one({ category: 'café' })).toMatchObject({ id: entry.id, content: 'two\n' });
    await put({ [decomposed]: 'three\n' });
    const reason = 'has the name of another file, in another form of Unicode';
    expect((await importAll()).failed).toEqual([{ path: composed, reason }]);
  });

  it('keeps categories and tags apart that are two, and makes one of those that are', async () => {
    const page = (category: string, tag: string): string => `---\ncategory: "${category}"\ntags: ["${tag}"]\n---\nText\n`;
    await put({
      ...{ 'a.md': page('C#', 'import straße'), 'b.md': page('C', 'IMPORT STRASSE'), 'c.md': page('c', 'import C++') },
      'd.md': page('ΣΊΣΥΦΟΣ', 'import c'),
      'e.md': page('σίσυφος', 'Import Straße'),
    });
    expect(await importAll()).toMatchObject({ created: 5, failed: [] });
    const categoriesOf = async (filter: object) => (await find(filter)).map(({ title, category }) => `${title} ${category?.name ?? ''}`);
    expect(await categoriesOf({ category: 'C#' })).toEqual(['A C#']);
    expect(await categoriesOf({ category: 'c' })).toEqual(['B C', 'C C']);
    expect(await categoriesOf({ category: 'Σίσυφος' })).toEqual(['D ΣΊΣΥΦΟΣ', 'E ΣΊΣΥΦΟΣ']);
    expect((await find({ tag: 'import strasse' })).map(({ title }) => title)).toEqual(['A', 'B', 'E']);
    expect((await find({ tag: 'import c' })).map(({ title }) => title)).toEqual(['D']);
  });

  it('says which encoding a file was taken for', async () => {
    await put({ 'old.md': Buffer.from('Die M\xfcller essen K\xe4se in der Stra\xdfe. Voil\xe0, d\xe9j\xe0 vu.', 'latin1') });
    const { created, notes } = await importAll();
    expect(created).toBe(1);
    expect(notes).toEqual([{ path: 'old.md', reason: 'is read as windows-1252, which is a guess: it is not UTF-8' }]);
    expect((await one({ search: 'muller essen' })).content).toContain('Müller essen Käse in der Straße');
  });

  it('takes no folder for another one that is still there, and no file for one that another has as well', async () => {
    const text = 'Everybody writes this at the beginning of whatever they write, word for word.';
    await put({ 'a.md': `# Twin\n\n${text}`, 'b.md': `# Twin\n\n${text}`, 'c.md': '# Stays for the others\n' });
    await importAll();
    const first = folder;
    folder = `${first}-copy`;
    await cp(first, folder, { recursive: true });
    expect(await importAll()).toMatchObject({ created: 3, movedFrom: null });
    await rename(join(folder, 'a.md'), join(folder, 'x.md'));
    await rm(join(folder, 'b.md'));
    expect(await importAll()).toMatchObject({ created: 1, unchanged: 1, renamed: new Map() });
    await rm(first, { recursive: true });
  });

  it('takes no folder for one that is gone and had other files of the same names', async () => {
    await put({ 'README.md': '# One project\n', 'index.md': '# One index\n' });
    await importAll();
    await rm(folder, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'lyceum-import-'));
    await put({ 'README.md': '# Another project\n', 'guide.md': '# A guide\n' });
    expect(await importAll()).toMatchObject({ created: 2, updated: 0, movedFrom: null });
  });

  it('may be run several times at once', async () => {
    await put(Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`c${index % 5}/f${index}.md`, `# At once ${index}\n`])));
    const reports = await Promise.all([importAll(), importAll(), importAll()]);
    expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(60);
    expect(await find({ search: 'At once' })).toHaveLength(60);
    expect(await importAll()).toEqual({ created: 0, updated: 0, unchanged: 60, failed: [], notes: [], leftOut: [], ...STAYED });
  });

  it('says of which files it could not find the links in time, and finds them the next time', async () => {
    await put({ 'a.md': 'The [beacon](lighthouse.md)', 'lighthouse.md': 'A lighthouse' });
    const tired = { ...app.services, markdown: { ...app.services.markdown, destinations: () => Promise.resolve(null) } };
    const first = await importFolder(tired, { folder, authorId });
    expect(first.notes).toEqual([{ path: 'a.md', reason: 'keeps its links as they are: finding them takes too long' }]);
    expect((await one({ search: 'beacon' })).content).toBe('The [beacon](lighthouse.md)');
    expect(await importAll()).toMatchObject({ created: 0, updated: 1, unchanged: 1, notes: [] });
    expect((await one({ search: 'beacon' })).content).toBe('The [beacon](/entries/lighthouse)');
  });
});

describe('runImport', () => {
  const terminal = () => {
    const text = { stdout: '', stderr: '' };
    const stream = (name: 'stdout' | 'stderr') =>
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          text[name] += chunk.toString();
          done();
        },
      });
    return { text, streams: { stdout: stream('stdout'), stderr: stream('stderr') } };
  };

  it('says what it has done', async () => {
    await put({ 'cli.md': '# By the command line\n', 'bad.md': '' });
    const { text, streams } = terminal();
    expect(await runImport(app.services, folder, { author: 'aDA' }, streams)).toBe(1);
    expect(text.stdout).toBe('1 created (by Ada), 0 updated, 0 unchanged, 1 could not be imported.\n');
    expect(text.stderr).toContain('Reading: 2 of 2 files\n');
    expect(text.stderr).toContain('Writing: 1 of 1 files\n');
    expect(text.stderr).toMatch(/^bad\.md: is empty$/m);
    await rm(join(folder, 'bad.md'));
    const second = terminal();
    expect(await runImport(app.services, folder, { author: 'Ada' }, second.streams)).toBe(0);
    expect(second.text.stdout).toBe('0 created (by Ada), 0 updated, 1 unchanged, 0 could not be imported.\n');
  });

  it('shows a bar where there is a terminal', async () => {
    await put({ 'bar.md': '# With a bar\n' });
    const { text, streams } = terminal();
    // cli-progress draws with these.
    const tty = Object.assign(streams.stderr, {
      isTTY: true,
      columns: 80,
      cursorTo: () => true,
      clearLine: () => true,
      clearScreenDown: () => true,
    });
    expect(await runImport(app.services, folder, {}, { stdout: streams.stdout, stderr: tty })).toBe(0);
    expect(text.stderr).toContain('1 of 1 files');
    expect(text.stdout).toContain('1 created');
  });

  it('needs a folder and an author', async () => {
    const { text, streams } = terminal();
    expect(await runImport(app.services, join(folder, 'none'), {}, streams)).toBe(1);
    expect(text.stderr).toContain('none: does not exist');
    expect(await runImport(app.services, folder, { author: 'nobody' }, streams)).toBe(1);
    expect(text.stderr).toContain('There is no user called "nobody".\n');
    expect(text.stdout).toBe('');
  });

  it('takes the first administrator, else who has been here longest', async () => {
    const own = await startTestApp();
    try {
      const { text, streams } = terminal();
      expect(await runImport(own.services, folder, {}, streams)).toBe(1);
      expect(text.stderr).toContain('There is no user yet');
      const authorOf = async (): Promise<string | undefined> => {
        const { text: said, streams: to } = terminal();
        await runImport(own.services, folder, {}, to);
        return /by (\w+)/.exec(said.stdout)?.[1];
      };
      await own.user('oldest');
      await own.user('younger');
      expect(await authorOf()).toBe('oldest');
      await own.userWithRole('chief', 'ADMIN');
      await own.userWithRole('chief2', 'ADMIN');
      expect(await authorOf()).toBe('chief');
    } finally {
      await own.stop();
    }
  });
});
