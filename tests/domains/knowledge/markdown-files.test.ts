import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Env, Token } from 'markdown-it';
import fc from '../../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MarkdownFileError,
  readMarkdownFile,
  rewriteLinks,
  scanMarkdown,
  type MarkdownDocument,
} from '../../../src/domains/knowledge/markdown-files.js';
import { indexPages, type PageIndex } from '../../../src/domains/knowledge/page-index.js';
import { destinationsIn } from '../../../src/markdown/destinations.js';
import { firstHeading } from '../../../src/markdown/first-heading.js';
import { createPlainParser } from '../../../src/markdown/parser.js';

/** What the threads of the server do, without a thread. */
const markdown = {
  firstHeading: (source: string) => Promise.resolve(firstHeading(source)),
  destinations: (source: string) => Promise.resolve(destinationsIn(source)),
};

/** The time of the import. */
const NOW = Date.parse('2026-06-01');

let base: string;
let folders = 0;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'lyceum-markdown-'));
});
afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

/** A new folder with these files. */
const folderOf = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> => {
  const folder = join(base, String((folders += 1)));
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
};

const read = async (content: string | Uint8Array, path = 'file-name.md'): Promise<MarkdownDocument> =>
  readMarkdownFile(markdown, await folderOf({ [path]: content }), path, NOW);

const refusal = async (content: string | Uint8Array): Promise<string> => {
  const error = await read(content).catch((reason: unknown) => reason);
  if (!(error instanceof MarkdownFileError)) throw new Error('The file was not refused.', { cause: error });
  expect(error.path).toBe('file-name.md');
  expect(error.message).toBe(`file-name.md: ${error.reason}`);
  return error.reason;
};

describe('scanMarkdown', () => {
  const scan = async (folder: string): Promise<{ paths: string[]; problems: string[]; leftOut: string[] }> => {
    const paths: string[] = [];
    const problems: string[] = [];
    const leftOut: string[] = [];
    const into = (list: string[]) => (path: string, reason: string) => void list.push(`${path}: ${reason}`);
    for await (const path of scanMarkdown(folder, into(problems), into(leftOut))) paths.push(path);
    return { paths, problems, leftOut };
  };

  it('finds Markdown files at any depth, in the order of their names', async () => {
    const folder = await folderOf({
      'b.md': 'b',
      'B.MD': 'b',
      'a/z.markdown': 'z',
      'a/b/c.Markdown': 'c',
      'c.txt': 'c',
      md: 'no',
      'x.mdx': 'no',
      'node_modules/p/README.md': 'p',
      '.github/x.md': 'x',
      '.git/x.md': 'no',
      'a/.trash/x.md': 'no',
      'é ü/[1].md': 'é',
    });
    await mkdir(join(folder, 'folder.md'));
    expect(await scan(folder)).toEqual({
      paths: ['B.MD', 'a/b/c.Markdown', 'a/z.markdown', 'b.md', 'é ü/[1].md'],
      problems: [],
      leftOut: [
        '.git/: is hidden: it belongs to a program',
        '.github/: is hidden: it belongs to a program',
        'a/.trash/: was thrown away',
        'node_modules/: holds installed packages',
        'x.mdx: is not Markdown alone',
      ],
    });
  });

  it('follows no link to a folder, and links to files only within the folder', async () => {
    const outside = await folderOf({ 'secret.md': 'secret', 'deep/x.md': 'x' });
    const folder = await folderOf({ 'a/real.md': 'real', 'text.txt': 'a' });
    await symlink('..', join(folder, 'a/loop'));
    await symlink(folder, join(folder, 'a/loop-too'));
    await symlink(outside, join(folder, 'outside'));
    await symlink(join(outside, 'secret.md'), join(folder, 'stolen.md'));
    await symlink('a/real.md', join(folder, 'linked.md'));
    await symlink('text.txt', join(folder, 'text.md'));
    await symlink('gone.md', join(folder, 'broken.md'));
    await symlink('self.md', join(folder, 'self.md'));
    const { paths, problems } = await scan(folder);
    expect(paths).toEqual(['a/real.md', 'linked.md', 'text.md']);
    expect(problems).toEqual(['broken.md: does not exist', 'self.md: cannot be read (ELOOP)']);
    await expect(readMarkdownFile(markdown, folder, 'stolen.md', NOW)).rejects.toThrow('stolen.md: lies outside the folder');
    await expect(readMarkdownFile(markdown, folder, `../${basename(outside)}/secret.md`, NOW)).rejects.toThrow('lies outside');
    expect((await readMarkdownFile(markdown, folder, 'linked.md', NOW)).content).toBe('real');
  });

  it('works through a link to the folder itself', async () => {
    const folder = await folderOf({ 'a.md': 'a' });
    await symlink(folder, `${folder}-link`);
    expect((await scan(`${folder}-link`)).paths).toEqual(['a.md']);
    expect((await readMarkdownFile(markdown, `${folder}-link`, 'a.md', NOW)).content).toBe('a');
  });

  it('reports a folder it cannot read and goes on', async () => {
    const folder = await folderOf({ 'a.md': 'a', 'c.md': 'c' });
    // Permissions would not stop root; a folder that goes away after its name was read stops everyone.
    const name = 'b';
    const problems: string[] = [];
    const paths: string[] = [];
    await mkdir(join(folder, name));
    for await (const path of scanMarkdown(folder, (where) => problems.push(where))) {
      paths.push(path);
      if (path === 'a.md') await rm(join(folder, name), { recursive: true });
    }
    expect(paths).toEqual(['a.md', 'c.md']);
    expect(problems).toEqual([name]);
  });

  it('refuses a folder that is none', async () => {
    const folder = await folderOf({ 'a.md': 'a' });
    await expect(scan(join(folder, 'gone'))).rejects.toThrow(MarkdownFileError);
    await expect(scan(join(folder, 'a.md'))).rejects.toThrow('cannot be read (ENOTDIR)');
  });
});

describe('readMarkdownFile', () => {
  it('takes everything from the front matter', async () => {
    const text = [
      '---',
      'title:  A "quoted"   title ',
      'aliases: [Other name, "  Third "]',
      'tags: [GraphQL, " Web ", graphql, 1.10, 2026-01-01, yes]',
      'category: Technical',
      'visibility: Private',
      'order: 3',
      '---',
      '',
      '# Heading',
      '',
    ].join('\n');
    expect(await read(text, 'guides/a.md')).toEqual({
      path: 'guides/a.md',
      title: 'A "quoted" title',
      content: '\n# Heading\n',
      tags: ['graphql', 'web', '1.10', '2026-01-01', 'yes'],
      aliases: ['Other name', 'Third'],
      category: 'Technical',
      isPublic: false,
      notes: ['is private: its author has kept it back (visibility: private)'],
    });
  });

  it('does without it', async () => {
    expect(await read('Text\r\n\r\n# Heading\r\n', 'getting-started/a/b.md')).toEqual({
      path: 'getting-started/a/b.md',
      title: 'Heading',
      content: 'Text\r\n\r\n# Heading\r\n',
      tags: [],
      aliases: [],
      category: 'Getting started',
      isPublic: true,
      notes: [],
    });
  });

  it('bears a byte order mark, CRLF and blanks behind the fences', async () => {
    const document = await read('\ufeff---  \r\ntitle: A\r\ntags: b, c,, \r\n---\t\r\nText\r\n');
    expect(document).toMatchObject({ title: 'A', tags: ['b', 'c'], content: 'Text\r\n' });
    expect(await read('---\ntitle: A\n...\nText')).toMatchObject({ title: 'A', content: 'Text' });
  });

  it.each([
    ['nothing between the fences', '---\n---\n# A'],
    ['a comment only', '---\n# comment\n---\n# A'],
    ['other keys only', '---\nlayout: page\n---\n# A'],
    ['empty values', '---\ntitle:\ntags:\ncategory: ""\nvisibility: ~\n---\n# A'],
    ['an empty list', '---\ntags: []\n---\n# A'],
  ])('takes front matter with %s', async (_name, text) => {
    const document = await read(text, 'x/a.md');
    expect(document).toMatchObject({ title: 'A', content: '# A', tags: [], category: 'X', isPublic: true });
  });

  it('reads keys whatever their case, so that nothing private is published by a capital', async () => {
    expect(await read('---\nTitle: A\nVisibility: private\n---\nB')).toMatchObject({ title: 'A', isPublic: false });
  });

  it.each([
    ['---\n\nText\n', '---\n\nText\n'],
    ['---\ntitle: A\n', '---\ntitle: A\n'],
    ['--- a\nb: c\n---\nd', '--- a\nb: c\n---\nd'],
    ['\n---\ntitle: A\n---\n', '\n---\ntitle: A\n---\n'],
    ['----\na: b\n----\n', '----\na: b\n----\n'],
  ])('takes %j for a text without front matter', async (text, content) => {
    expect((await read(text)).content).toBe(content);
  });

  it.each([
    ['# Plain #', 'Plain'],
    ['Under\n=====', 'Under'],
    ['## Second\n# First', 'First'],
    ['text\n\nUnder *two*\nlines\n===\n', 'Under two lines'],
    ['text\n\n## Part', 'File name'],
    ['# Title {#id}', 'Title'],
    ['# Title {.big #id}\n', 'Title'],
    ['# A {not an id}', 'A {not an id}'],
    ['<h1 align="center">\n  <b>Big</b> <img src="x">\n</h1>\n\n# Later', 'Big'],
    ['# With *em*, **strong**, ~~del~~, `code <a>` and [a link](b.md "c")', 'With em, strong, del, code <a> and a link'],
    ['# [Ref][r] &amp; &lt;b&gt; &#x41;&#66; &copy; \\*\n\n[r]: x', 'Ref & <b> AB © *'],
    ['# Name [![Build](a.svg)](b) ![Badge](c)', 'Name'],
    ['# ![Logo of Name](c)', 'Logo of Name'],
    ['# <img src="a"> <b>Bold</b>', 'Bold'],
    ['#\n\n# <br>\n\n# Third', 'Third'],
    ['```\n# code\n```\n\n~~~md\n# code\n~~~\n\n    # code\n\n# Real', 'Real'],
    ['<!--\n# comment\n-->\n\n# Real', 'Real'],
    ['#hashtag\n\n\\# escaped\n\n# Real', 'Real'],
    ['> # Quoted\n\n- # Item\n\n# Real', 'Real'],
    ['No heading', 'File name'],
    [`# ${'a'.repeat(199)}😀`, 'a'.repeat(199)],
    [`# ${'a'.repeat(500)}`, 'a'.repeat(200)],
    ['# a\u0007\tb', 'a b'],
  ])('finds the title of %j', async (text, title) => {
    expect((await read(text)).title).toBe(title);
  });

  it.each([
    ['README.md', 'README', null],
    ['getting_started.MARKDOWN', 'Getting started', null],
    ['a/b.md', 'B', 'A'],
    ['@types/node/CHANGELOG.md', 'CHANGELOG', '@types'],
    ['guides/setting-up/README.md', 'Setting up', 'Guides'],
    ['guides/_index.md', 'Guides', 'Guides'],
    ['.github/x.md', 'X', 'Github'],
    ['---/-.md', '-', '---'],
    ['a/.md', '.md', 'A'],
    ['Ça va/éa.md', 'Éa', 'Ça va'],
  ])('names %s', async (path, title, category) => {
    expect(await read('text', path)).toMatchObject({ path, title, category });
  });

  it('takes what is just within the limits', async () => {
    const tags = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(40, 'x'));
    const front = `---\ntitle: ${'t'.repeat(200)}\ntags: [${tags.join(', ')}, ${tags[0] ?? ''}]\n---\n`;
    const document = await read(`${front}${'é'.repeat(200_000)}`);
    expect(document.title).toHaveLength(200);
    expect(document.tags).toEqual(tags);
    expect(document.content).toHaveLength(200_000);
  });

  it.each<[string, string | Uint8Array, string | RegExp]>([
    ['nothing', '', 'is empty'],
    ['blanks', '\ufeff \r\n\t\n', 'is empty'],
    ['a byte order mark alone', Buffer.from([0xff, 0xfe]), 'is empty'],
    ['half a character of UTF-16', Buffer.from([0xff, 0xfe, 0x00, 0xd8]), /is not a text/],
    ['bytes of no text', Buffer.from([0x89, 0x81, 0x8d, 0xc3, 0x28]), 'is not a text in any encoding that is known'],
    ['a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x00, 0x00, 0x81, 0x00]), 'is not a text in any encoding that is known'],
    ['NUL', 'a\0b', /NUL/],
    ['too long a text', 'a'.repeat(200_001), 'is longer than 200000 characters'],
    ['far too long a text', 'é'.repeat(1_000_000), 'is longer than 200000 characters'],
  ])('refuses %s', async (_name, content, reason) => {
    const given = await refusal(content);
    if (typeof reason === 'string') expect(given).toBe(reason);
    else expect(given).toMatch(reason);
    expect(given.length).toBeLessThan(300);
  });

  const front = (yaml: string, rest = 'text'): string => `---\n${yaml}\n---\n${rest}`;

  it.each<[string, string, object, string | RegExp]>([
    ['broken YAML', 'title: [a\ntags: b', { title: '[a', tags: ['b'] }, /^in the front matter, it is not valid YAML/],
    ['a colon in a title', 'title: Notes: part one\ntags: [a]', { title: 'Notes: part one', tags: ['a'] }, /it is not valid YAML/],
    ['a title that is a list', 'title: [a]\ntags: b', { title: 'File name', tags: ['b'] }, 'in the front matter, title is not a text'],
    ['a long title', `title: ${'a'.repeat(201)}`, { title: 'a'.repeat(200) }, 'in the front matter, title is cut to 200 characters'],
    ['a title with NUL', 'title: "a\\0b"', { title: 'File name' }, 'in the front matter, title has control characters'],
    ['a title with half a pair', 'title: "a\\ud800b"', { title: 'File name' }, 'in the front matter, title has control characters'],
    ['a category that is a mapping', 'category: {a: b}', { category: null }, 'in the front matter, a category is not a text'],
    ['tags that are a mapping', 'tags: {a: b}', { tags: [] }, 'in the front matter, a tag is not a text'],
    ['tags in tags', 'tags: [[a], b]', { tags: ['b'] }, 'in the front matter, a tag is not a text'],
    ['an empty tag', 'tags:\n  -\n  - a', { tags: ['a'] }, 'in the front matter, a tag is empty'],
    [
      'a long tag',
      `tags: [${'a'.repeat(41)}, b]`,
      { tags: ['b'] },
      `in the front matter, a tag is longer than 40 characters: ${'a'.repeat(40)}…`,
    ],
    ['a tag that gets long', `tags: [${'\u0958'.repeat(21)}, b]`, { tags: ['b'] }, /a tag is longer than 40 characters/],
    [
      'many tags',
      `tags: [${Array.from({ length: 21 }, (_, index) => index).join(',')}]`,
      { tags: Array.from({ length: 20 }, (_, index) => String(index)) },
      'in the front matter, there are more than 20 tags: the rest is left out',
    ],
    [
      'an alias bomb',
      `title: Kept\na: &a [x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map(
          (name, index) =>
            `${name}: &${name} [${Array(8)
              .fill(`*${'abcdefgh'[index] ?? ''}`)
              .join(',')}]`,
        )
        .join('\n')}`,
      { title: 'Kept' },
      /Excessive alias count/,
    ],
    ['deep YAML', `title: Kept\nx: ${'['.repeat(18_000)}`, { title: 'Kept' }, /it is not valid YAML/],
    ['long YAML', `title: Kept\na: ${'b'.repeat(20_000)}`, { title: 'Kept' }, /it is longer than 20000 characters/],
  ])('takes the rest of front matter with %s, and says what it has left out', async (_name, yaml, expected, note) => {
    const document = await read(front(yaml));
    expect(document).toMatchObject({ content: 'text', isPublic: true, ...expected });
    expect(document.notes).toContainEqual(typeof note === 'string' ? note : expect.stringMatching(note));
    for (const each of document.notes) expect(each.length).toBeLessThan(400);
  });

  it.each<[string, object]>([
    ['title: true\ntags: [true, 2]', { title: 'true', tags: ['true', '2'] }],
    ['title: a\ntitle: b', { title: 'b' }],
    ['tags: "#alpha, #beta"', { tags: ['alpha', 'beta'] }],
    ['tags: a b', { tags: ['a', 'b'] }],
    ['tags: "#a #b"\ntag: c', { tags: ['a', 'b', 'c'] }],
    ['tags: [two words, "#x"]', { tags: ['two words', 'x'] }],
    ['tags: knowledge base, b', { tags: ['knowledge base', 'b'] }],
    ['tags: [cafe\u0301, caf\u00e9]', { tags: ['caf\u00e9'] }],
    ['categories: [Guides, Tools]', { category: 'Guides', tags: ['tools'] }],
    ['categories: Guides\ntags: a', { category: 'Guides', tags: ['a'] }],
    ['alias: Other', { aliases: ['Other'] }],
  ])('understands %j', async (yaml, expected) => {
    expect(await read(front(yaml))).toMatchObject({ content: 'text', ...expected, notes: [] });
  });

  it('reads TOML, and what of it is not valid is left out', async () => {
    const toml = '+++\ntitle = "A"\ntags = ["b"]\ndate = 2026-01-01\n[taxonomies]\ncategories = ["C"]\n+++\ntext';
    expect(await read(toml)).toMatchObject({ title: 'A', tags: ['b'], category: 'C', content: 'text', isPublic: true, notes: [] });
    const broken = await read('+++\ntitle = "A"\nweight = many\ndraft = true\n+++\ntext');
    expect(broken).toMatchObject({ title: 'A', isPublic: false, content: 'text' });
    expect(broken.notes.join()).toContain('it is not valid TOML');
  });

  it('is an empty page of front matter alone', async () => {
    expect(await read('---\ntitle: A\n---\n\n')).toMatchObject({ title: 'A', content: '' });
  });

  it.each([front('Just text'), front('- a'), front('\nA sentence with a colon: it is none\n'), '---\n\n# A\n\n---\n\nmore', '+++ a'])(
    'takes %j for a text without front matter',
    async (text) => {
      expect(await read(text)).toMatchObject({ content: text, notes: [] });
    },
  );

  const marked = async (yaml: string, path?: string): Promise<[boolean, string]> => {
    const { isPublic, notes } = await read(front(yaml), path);
    return [isPublic, notes.join('; ')];
  };

  it.each([
    ...['draft: true', 'Draft: yes', 'draft: "True"', 'draft: maybe', 'private: true', 'hidden: on', 'unlisted: true', 'isDraft: 1'],
    ...[
      'publish: false',
      'published: no',
      'public: off',
      'dg-publish: false',
      'visibility: Private',
      'visibility: secret',
      'visibility: [a]',
    ],
    ...[
      'status: draft',
      'status: In Review',
      'state: wip',
      'access: internal',
      'password: hunter2',
      'tags: [a, draft]',
      'tags: "#private"',
    ],
    ...['publishDate: 2026-07-01', 'expiryDate: 2026-05-01', 'title: [\ndraft: true', 'title: a: b\ndraft: [', 'a: &b c\nprivate : true'],
    `draft: true\na: ${'b'.repeat(20_000)}`,
  ])('keeps private what is marked by %j, and says so', async (yaml) => {
    const [isPublic, note] = await marked(yaml);
    expect(isPublic).toBe(false);
    expect(note).toContain('its author has kept it back');
  });

  it.each([
    ...[
      'draft: false',
      'draft:',
      'draft: "no"',
      'private: off',
      'publish: true',
      'published: 2024-01-01',
      'visibility: public',
      'status: done',
    ],
    ...['status: in progress', 'publishDate: 2026-05-01', 'expiryDate: 2027-01-01', 'tags: [drafting]', 'password:'],
  ])('publishes what says %j', async (yaml) => {
    expect(await marked(yaml)).toEqual([true, '']);
  });

  it.each([
    ['_drafts/a.md', false],
    ['Blog/Private/a.md', false],
    ['_partial.md', false],
    ['a.draft.md', false],
    ['_index.md', true],
    ['drafting/a.md', true],
    ['privateer.md', true],
  ])('of %s it is public: %s', async (path, isPublic) => {
    expect((await read('text', path)).isPublic).toBe(isPublic);
  });

  it('refuses what is no file', async () => {
    const folder = await folderOf({ 'a.md/b.md': 'b' });
    await expect(readMarkdownFile(markdown, folder, 'a.md', NOW)).rejects.toThrow('a.md: is not a file');
    await expect(readMarkdownFile(markdown, folder, 'gone.md', NOW)).rejects.toThrow('gone.md: does not exist');
  });

  it('is called by a heading behind what is hard to read, and by the name of its file when finding it takes too long', async () => {
    const content = `- ${'a\n'.repeat(90_000)}\n# A`;
    expect((await read(content)).title).toBe('A');
    const tired = { firstHeading: () => Promise.resolve(null) };
    expect((await readMarkdownFile(tired, await folderOf({ 'file-name.md': content }), 'file-name.md', NOW)).title).toBe('File name');
  });
});

describe('rewriteLinks', () => {
  const known: Readonly<Record<string, string>> = {
    'x.md': '/entries/x',
    'guide/a.md': '/entries/a',
    'guide/b.md': '/entries/b',
    'guide/é ü.md': '/entries/e-u',
    'guide/(1).md': '/entries/1',
    'guide/README.md': '/entries/guide',
    'api/index.md': '/entries/api',
    'README.markdown': '/entries/root',
    'b&c.md': '/entries/bc',
  };
  const page = (path: string, address: string, title = path, aliases: readonly string[] = []) => ({ path, address, title, aliases });
  const pages = indexPages([
    ...Object.entries(known).map(([path, address]) => page(path, address)),
    page('deep/er/note.md', '/entries/note', 'A titled note', ['Nickname']),
    page('zz/deep/er/note.md', '/entries/far'),
    page('wiki/caf\u00e9.md', '/entries/cafe'),
  ]);
  const rewriteAt = (content: string, path: string, to: PageIndex): Promise<string | null> => rewriteLinks(markdown, content, path, to);
  const rewrite = (content: string): Promise<string | null> => rewriteAt(content, 'guide/a.md', pages);

  it.each([
    ['[a](b.md)', '[a](/entries/b)'],
    ['[a](./b.md)', '[a](/entries/b)'],
    ['[a](../x.md#frag)', '[a](/entries/x#frag)'],
    ['[a](../guide/../guide/b.md?c=d#e)', '[a](/entries/b?c=d#e)'],
    ['[a](b.md "Title")', '[a](/entries/b "Title")'],
    ["[a]( b.md  'b.md' )", "[a]( /entries/b  'b.md' )"],
    ['[a](<b.md>)', '[a](</entries/b>)'],
    ['[a](<é ü.md#x y> (t))', '[a](</entries/e-u#x y> (t))'],
    ['[a](%C3%A9%20%C3%BC.md)', '[a](/entries/e-u)'],
    ['[a](\\(1\\).md) [a]((1).md)', '[a](/entries/1) [a](/entries/1)'],
    ['[a](../b&amp;c.md) [a](../b&c.md)', '[a](/entries/bc) [a](/entries/bc)'],
    ['![a](b.md)', '![a](/entries/b)'],
    ['[![b.md](b.md)](../x.md)', '[![b.md](/entries/b)](/entries/x)'],
    ['**[`b.md`](b.md)**, _[a](b.md)_', '**[`b.md`](/entries/b)**, _[a](/entries/b)_'],
    ['[a [b] c](b.md)', '[a [b] c](/entries/b)'],
    ['[a\nb](b.md)', '[a\nb](/entries/b)'],
    ['[a][r] [r]\n\n[r]: b.md', '[a][r] [r]\n\n[r]: /entries/b'],
    ['[r]:   <b.md#c>\n  "T"\n[s]: ../x.md (t)\n', '[r]:   </entries/b#c>\n  "T"\n[s]: /entries/x (t)\n'],
    ['[r]:\n  b.md\n', '[r]:\n  /entries/b\n'],
    ['# [a](b.md)\n\n[a](b.md)\n===', '# [a](/entries/b)\n\n[a](/entries/b)\n==='],
    ['> [a\n> b](b.md)\n> > [c](b.md)', '> [a\n> b](/entries/b)\n> > [c](/entries/b)'],
    ['- a\n\n  [a](b.md)\n  1. [c](b.md)\n', '- a\n\n  [a](/entries/b)\n  1. [c](/entries/b)\n'],
    ['- [ ] [a](b.md)\t', '- [ ] [a](/entries/b)\t'],
    ['| a |\n|---|\n| `\\|` [a\\|b](b.md "\\|") |', '| a |\n|---|\n| `\\|` [a\\|b](/entries/b "\\|") |'],
    ['[a](../guide) [a](../guide/) [a](.) [a](./#c)', '[a](/entries/guide) [a](/entries/guide) [a](/entries/guide) [a](/entries/guide#c)'],
    ['[a](../api#b) [a](..) [a](../)', '[a](/entries/api#b) [a](/entries/root) [a](/entries/root)'],
    ['a\r\n[a](b.md)\r\n\r\n> [b](b.md)\r\n', 'a\r\n[a](/entries/b)\r\n\r\n> [b](/entries/b)\r\n'],
    ['a\rb\r\n[a](b.md)\r[a](b.md)', 'a\rb\r\n[a](/entries/b)\r[a](/entries/b)'],
    ['`[a](b.md)` [a](b.md)', '`[a](b.md)` [a](/entries/b)'],
    ['> ```\n> [a](b.md)\n> ```\n> [a](b.md)', '> ```\n> [a](b.md)\n> ```\n> [a](/entries/b)'],
    ['<!-- [a](b.md) -->\n\n[a](b.md)', '<!-- [a](b.md) -->\n\n[a](/entries/b)'],
    ['\\[a](b.md) [a](b.md)', '\\[a](b.md) [a](/entries/b)'],
    ['[a](/guide/b.md) [a](/guide/b) [a](/x)', '[a](/entries/b) [a](/entries/b) [a](/entries/x)'],
    ['[a](b) [a](../x#c) [a](guide/b)', '[a](/entries/b) [a](/entries/x#c) [a](/entries/b)'],
    ['[a](/en/guide/b) [a](/de-ch/x "t")', '[a](/entries/b) [a](/entries/x "t")'],
    ['[a](B.MD) [a](/Guide/B)', '[a](/entries/b) [a](/entries/b)'],
    ['[a](/wiki/cafe%CC%81.md) [a](/wiki/caf%C3%A9)', '[a](/entries/cafe) [a](/entries/cafe)'],
    ['[a](/guide) [a](/)', '[a](/entries/guide) [a](/entries/root)'],
    ['see [[b]], [[b|the second]] and [[guide/b#A Part!|x]]', 'see [b](/entries/b), [the second](/entries/b) and [x](/entries/b#a-part)'],
    ['[[note]] [[er/note]] [[zz/deep/er/note.md]]', '[note](/entries/note) [er/note](/entries/note) [zz/deep/er/note.md](/entries/far)'],
    [
      '[[Nickname]] [[a titled note]] [[Cafe\u0301]]',
      '[Nickname](/entries/note) [a titled note](/entries/note) [Cafe\u0301](/entries/cafe)',
    ],
    ['![[b]] [[#Some Part]] [[b#x]]', '[b](/entries/b) [Some Part](#some-part) [b > x](/entries/b#x)'],
    ['| a |\n|---|\n| [[b\\|c]] `\\|` [[b]] |', '| a |\n|---|\n| [c](/entries/b) `\\|` [b](/entries/b) |'],
    ['> - **[[b]]**\r\n> - [[x]]', '> - **[b](/entries/b)**\r\n> - [x](/entries/x)'],
  ])('rewrites %j', async (content, expected) => {
    expect(await rewrite(content)).toBe(expected);
  });

  it.each([
    '`[a](b.md)` and ``[a](b.md) ` ``',
    '```\n[a](b.md)\n```\n\n~~~\n[r]: b.md\n~~~\n',
    '    [a](b.md)\n',
    '<a href="b.md">a</a> <b.md>',
    '<div>\n[a](b.md)\n</div>',
    '[a](https://a.example/b.md) [a](//a.example/b.md) [a](mailto:b.md) [a](file:b.md) [a](C:b.md)',
    '`[[b]]` and ``[[b]] ` ``',
    '```\n[[b]]\n```\n\n    [[b]]\n',
    '[[nowhere]] ![[image.png]] [[]] [[|a]] [[b\nc]] [ [b] ]',
    '[a](//guide/b.md) [a](/nowhere)',
    '[a](../../x.md) [a](../..) [a](../../guide/b.md)',
    '[a](c.md) [a](b.txt) [a](c) [a](image.png) [a](b.mdx)',
    '[a](#b.md) [a]() [a](?b.md)',
    '[a](%zz.md) [a](%ff.md)',
    '[a] (b.md) [a](b.md',
    'b.md and www.a.example/b.md',
    '\\![a]\\(b.md)',
    '',
  ])('leaves %j', async (content) => {
    expect(await rewrite(content)).toBe(content);
  });

  it('brackets an address that would not be one destination', async () => {
    expect(await rewriteAt('[a](b.md)', 'a.md', indexPages([page('b.md', '/entries/a (b)')]))).toBe('[a](</entries/a (b)>)');
  });

  it('asks for normalised paths, the README of a folder first', async () => {
    const asked: string[] = [];
    const at = (path: string): null => {
      asked.push(path);
      return null;
    };
    await rewriteAt('[a](./../c//d.md#e) [a](../f/)', 'a/b/c.md', { at, named: at });
    expect(asked[0]).toBe('a/c/d.md');
    expect(asked.slice(1, 4)).toEqual(['a/f.md', 'a/f.markdown', 'a/f/README.md']);
    expect(asked).toContain('a/f/index.md');
  });

  it('lets errors of the resolver through', async () => {
    const at = (): string => {
      throw new RangeError('mine');
    };
    await expect(rewriteAt('[a](b.md)', 'a.md', { at, named: at })).rejects.toThrow('mine');
  });

  it('is nothing for a text that takes too long to read', async () => {
    expect(await rewriteLinks({ destinations: () => Promise.resolve(null) }, '[a](b.md)', 'guide/a.md', pages)).toBeNull();
  });

  /** Every destination that the parser reads in a text. */
  const destinations = (source: string): string[] => {
    const env: Env = {};
    const ofTokens = (tokens: readonly Token[]): string[] =>
      tokens.flatMap((token) => [
        // A reference has none of its own.
        ...(token.meta === null ? [token.attrGet(token.type === 'image' ? 'src' : 'href')] : []).filter((href) => typeof href === 'string'),
        ...(token.type === 'inline' ? ofTokens(token.children ?? []) : []),
      ]);
    const own = ofTokens(createPlainParser().parse(source, env));
    return [...own, ...Object.values(env.references ?? {}).map(({ href }) => href)];
  };

  it('changes the destinations that the parser reads, and nothing else', async () => {
    const pieces = [
      ...['[a](x.md)', '[a](x.md "t")', '[a](<x.md#f>)', '![i](x.md)', '[![i](x.md)](x.md)', '`[a](x.md)`', '<x.md>'],
      ...['[r]: x.md\n', '[r]: <x.md> "t"\n', '[a][r]', '[x', '](x.md)', '<a href="x.md">', 'x.md', '``[a](x.md) ` ``'],
      ...['\n', '\n\n', '\r\n', '> ', '- ', '1. ', '    ', '  ', '\t', '```\n', '| ', ' | ', '\n|-|-|\n', '\n---\n'],
      ...['**', '*', '~~', '<div>', '<!--', '-->', '\\', '[', ']', '(', ')', 'a', 'é', '\\|', '&amp;', '- [ ] '],
      ...['`', ' ', '# '],
    ];
    const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((parts) => parts.join(''));
    const [address, none] = [indexPages([page('x.md', '/entries/x')]), indexPages([])];
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const rewritten = (await rewriteAt(text, 'a.md', address)) ?? '';
        const expected = destinations(text).map((href) => href.replace(/^x\.md(?=$|#)/, '/entries/x'));
        expect(destinations(rewritten)).toEqual(expected);
        expect(rewritten.replaceAll('/entries/x', 'x.md')).toBe(text);
        expect(await rewriteAt(text, 'a.md', none)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});
