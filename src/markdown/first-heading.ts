import type { Env, Token } from 'markdown-it';
import { createPlainParser } from './parser.js';

const parser = createPlainParser();

/** The visible text of inline Markdown, optionally with the alternative texts of images. */
const visibleText = (tokens: readonly Token[], withImages: boolean): string =>
  tokens
    .map(({ type, content, children }) => {
      if (type === 'image') return withImages ? visibleText(children ?? [], true) : '';
      if (type === 'softbreak' || type === 'hardbreak') return ' ';
      return type === 'html_inline' ? '' : content;
    })
    .join('');

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();

/** `{#id}` and `{.class}` behind a heading, as Pandoc, Hugo and Docusaurus have them. */
const ATTRIBUTES = /\s*\{\s*[#.:][^{}]*\}\s*$/;
const HTML_HEADING = /<h1\b[^>]*>(.*?)<\/h1\s*>/is;

const titleOf = (markdown: string, env: Env): string | null => {
  const [inline] = parser.parseInline(markdown.replace(ATTRIBUTES, ''), env);
  const tokens = inline?.children ?? [];
  // Images in a heading are usually badges, so they count only when there is nothing else.
  return oneLine(visibleText(tokens, false)) || oneLine(visibleText(tokens, true)) || null;
};

/** The first heading of the first level that says anything, in Markdown or HTML, outside code, quotes and lists: one of a part is no title of the whole. */
export const firstHeading = (source: string): string | null => {
  // Only blocks are parsed: inline content is needed for one heading, not for the whole text.
  const blocks: Token[] = [];
  const env: Env = {};
  parser.block.parse(source.replace(/\r\n|\r/g, '\n'), parser, env, blocks);
  for (const [index, { type, tag, level, content }] of blocks.entries()) {
    if (level > 0) continue;
    const isHeading = type === 'heading_open' && tag === 'h1';
    const text = isHeading ? blocks[index + 1]?.content : type === 'html_block' ? HTML_HEADING.exec(content)?.[1] : undefined;
    const title = text === undefined ? null : titleOf(text, env);
    if (title !== null) return title;
  }
  return null;
};
