import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstHeading } from '../../../src/markdown/first-heading.js';
import { readMarkdownFile, type MarkdownDocument } from '../../../src/domains/knowledge/markdown-files.js';

/** What the threads of the server do, without a thread. */
const markdown = { firstHeading: (source: string) => Promise.resolve(firstHeading(source)) };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lyceum-encodings-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = async (bytes: Uint8Array | string): Promise<MarkdownDocument> => {
  await writeFile(join(folder, 'note.md'), bytes);
  return await readMarkdownFile(markdown, folder, 'note.md', 0);
};

const utf16 = (text: string, end: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return end === 'le' ? bytes : bytes.swap16();
};

/** What an older editor has written: this platform encodes UTF-8 alone, so each character is looked for among the bytes of the encoding. */
const encoded = (text: string, encoding: string): Buffer => {
  const decoder = new TextDecoder(encoding);
  const bytes = new Map<string, number[]>();
  for (let first = 0; first < 256; first += 1) {
    const one = decoder.decode(Uint8Array.of(first));
    if (one.length === 1 && one !== '\ufffd') bytes.set(one, [first]);
    else for (let next = 0x40; next < 256; next += 1) bytes.set(decoder.decode(Uint8Array.of(first, next)), [first, next]);
  }
  return Buffer.from([...text].flatMap((character) => bytes.get(character) ?? []));
};

describe('a file', () => {
  it.each<[string, Buffer]>([
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff---\ntitle: Café 日本\n---\nText\n')],
    ['UTF-8 in which é is two characters', Buffer.from('---\ntitle: Cafe\u0301 日本\n---\nText\n')],
  ])('of %s is read, and nothing is said', async (_what, bytes) => {
    expect(await read(bytes)).toMatchObject({ title: 'Café 日本', content: 'Text\n', notes: [] });
  });

  it.each<[string, Buffer, string]>([
    ['little-endian with a mark', utf16('\ufeff---\ntitle: Café 日本\n---\nText\n', 'le'), 'utf-16le'],
    ['big-endian with a mark', utf16('\ufeff---\ntitle: Café 日本\n---\nText\n', 'be'), 'utf-16be'],
    ['little-endian without', utf16('---\ntitle: Café 日本\n---\nText\n', 'le'), 'utf-16le'],
    ['big-endian without', utf16('---\ntitle: Café 日本\n---\nText\n', 'be'), 'utf-16be'],
  ])('of UTF-16, %s, is read, and that is said', async (_what, bytes, encoding) => {
    expect(await read(bytes)).toMatchObject({ title: 'Café 日本', content: 'Text\n', notes: [`is read as ${encoding}`] });
  });

  it.each([
    ['windows-1251', '# Заметка о совах\n\nСовы летают ночью и спят днём.\n'],
    ['koi8-r', '# Заметка о совах\n\nСовы летают ночью и спят днём.\n'],
    ['windows-1252', '# Café\n\nDie Müller essen Käse in der Straße. Voilà, déjà vu.\n'],
    ['iso-8859-2', '# Łódź\n\nZażółć gęślą jaźń, proszę bardzo.\n'],
    ['shift_jis', '# 日本語のノート\n\nこれは日本語の文章です。\n'],
    ['gb18030', '# 中文笔记\n\n这是一个关于猫头鹰的笔记。\n'],
    ['big5', '# 中文筆記\n\n這是一個關於貓頭鷹的筆記。\n'],
    ['euc-kr', '# 한국어 노트\n\n이것은 올빼미에 대한 노트입니다.\n'],
  ])('of %s is read, and said to be a guess', async (encoding, text) => {
    const { content, notes } = await read(encoded(text, encoding));
    expect(content).toBe(text);
    expect(notes).toEqual([`is read as ${encoding}, which is a guess: it is not UTF-8`]);
  });

  it('that is too short to guess by is taken for a Western one', async () => {
    expect(await read(Buffer.from('caf\xe9', 'latin1'))).toMatchObject({
      content: 'café',
      notes: ['is read as windows-1252, which is a guess: it is not UTF-8'],
    });
  });

  it('of UTF-8 with a broken byte stays UTF-8, and that is said', async () => {
    const text = 'Die Müller essen Käse in der Straße. '.repeat(5);
    const { content, notes } = await read(Buffer.concat([Buffer.from(text), Buffer.from([0xe9]), Buffer.from(' Ende')]));
    expect(content).toBe(`${text}\ufffd Ende`);
    expect(notes).toEqual(['has bytes that are not UTF-8, which are shown as \ufffd']);
  });
});
