import Parser, { type MarkdownIt, type Token } from 'markdown-it';
import { HTML_MAX, NESTING_MAX } from './limits.js';
import { alerts } from './rules/alerts.js';
import { emoji } from './rules/emoji.js';
import { footnotes } from './rules/footnotes.js';
import { headings } from './rules/headings.js';
import { math } from './rules/math.js';
import { mentions } from './rules/mentions.js';
import { strikethrough } from './rules/strikethrough.js';
import { taskLists } from './rules/task-lists.js';
import { webAddresses } from './rules/web-addresses.js';

/** A text that is shown as it was written: it is nested too deeply, or its HTML would be too long. */
export class Unrenderable extends Error {
  override readonly name = 'Unrenderable';
}

/** Beyond its depth the parser drops what it reads; a text is not to lose a part of it without a word. */
const refuseDepth = (md: MarkdownIt): void => {
  const { block } = md;
  const tokenise = block.tokenize.bind(block);
  block.tokenize = (state, startLine, endLine) => {
    if (state.level >= NESTING_MAX) throw new Unrenderable('nested too deeply');
    tokenise(state, startLine, endLine);
  };
};

const lengthOf = ({ content, attrs, children }: Token): number =>
  content.length +
  (attrs ?? []).reduce((sum, [, value]) => sum + String(value).length, 0) +
  (children ?? []).reduce((sum, child) => sum + lengthOf(child), 0);

/** A reference repeats its address wherever it is used. */
const refuseLength = (md: MarkdownIt): void =>
  md.core.ruler.push('length', (state) => {
    let length = 0;
    for (const token of state.tokens) if ((length += lengthOf(token)) > HTML_MAX) throw new Unrenderable('its HTML is too long');
  });

/** Alignment as an attribute: styles are not let through. */
const alignedCells = (md: MarkdownIt): void =>
  md.core.ruler.push('aligned_cells', (state) => {
    for (const { type, attrs } of state.tokens) {
      if (type !== 'th_open' && type !== 'td_open') continue;
      for (const attr of attrs ?? []) if (attr[0] === 'style') attr.splice(0, 2, 'align', String(attr[1]).replace('text-align:', ''));
    }
  });

/** In the words that stand for a picture, emoji and formulas are what stands in the text. */
const plainAlternatives = (md: MarkdownIt): void =>
  md.core.ruler.push('plain_alternatives', (state) => {
    const images = state.tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'image');
    for (const part of images.flatMap(({ children }) => children ?? [])) {
      if (part.type.startsWith('math_')) part.content = part.markup;
      if (part.type === 'emoji' || part.type.startsWith('math_')) part.type = 'text';
    }
  });

/** Markdown as GitHub reads it, without what links and mentions: for whoever looks for parts of a text. */
export const createPlainParser = (): MarkdownIt => {
  const md = new Parser({ html: true, maxNesting: NESTING_MAX });
  md.use(refuseDepth).use(strikethrough).use(footnotes).use(math);
  return md;
};

/** Markdown as GitHub reads it, for rendering. @param options `mentions`: whether `@username` is one */
export const createParser = (options: { readonly mentions: boolean }): MarkdownIt => {
  const md = createPlainParser().set({ linkify: true });
  md.use(webAddresses).use(alerts).use(emoji).use(taskLists);
  if (options.mentions) md.use(mentions);
  return md.use(headings).use(alignedCells).use(plainAlternatives).use(refuseLength);
};
