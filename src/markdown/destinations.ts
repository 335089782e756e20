import type { MarkdownIt, StateInline, Token } from 'markdown-it';
import { createPlainParser } from './parser.js';

/** A link destination as written in the source, including angle brackets, or a whole wiki link, and its position. */
export interface Destination {
  readonly written: string;
  readonly at: number;
  readonly isWiki: boolean;
}

/** `[[page]]`, `[[page#part|label]]`, `![[page]]`: group 1 is the page, 2 the part, 3 the label. In a table the bar is escaped. */
export const WIKI_LINK = /!?\[\[([^[\]|#\n\\]*)(?:#([^[\]|\n\\]*))?(?:\\?\|([^[\]\n]*))?\]\]/;

/** Positions in what the parser has before it. */
interface Range {
  readonly from: number;
  readonly to: number;
}

type Locate = (offset: number) => number | null;

/** What is looked for in one text. */
interface Search {
  readonly found: Destination[];
  /** The tokens of the inline content that is parsed, and where its characters stand in the source. */
  inline: { readonly tokens: readonly Token[]; readonly locate: Locate } | null;
}

const searchKey = Symbol('search');

const linesOf = (source: string): readonly Range[] => {
  let from = 0;
  return source.split('\n').map((line) => ({ from, to: (from += line.length + 1) - 1 }));
};

/** A paragraph or a heading: each of its lines ends as that of the source does, but for blanks and the closing signs of a heading. */
const locateText = (source: string, lines: readonly Range[], { content, map }: Token): Locate => {
  let start = 0;
  const places = content.split('\n').map((text, index) => {
    const { from, to } = lines[(map?.[0] ?? 0) + index] ?? { from: 0, to: 0 };
    const bare = text.trim();
    const at = source.slice(from, to).lastIndexOf(bare);
    const place = { start, end: start + text.length, shift: at === -1 ? null : from + at - (start + text.indexOf(bare)) };
    start += text.length + 1;
    return place;
  });
  // What is asked for stands near to what was asked for before.
  let near = 0;
  return (offset) => {
    while (near > 0 && offset < (places[near]?.start ?? 0)) near -= 1;
    while (near < places.length - 1 && offset > (places[near]?.end ?? 0)) near += 1;
    const shift = places[near]?.shift ?? null;
    return shift === null ? null : offset + shift;
  };
};

/** The cells of a row of a table, where a bar has a backslash before it that the content has not. */
const locateCells = (source: string, { from, to }: Range, cells: readonly Token[]): readonly Locate[] => {
  let at = from;
  return cells.map(({ content }) => {
    const places: number[] = [];
    // The content of a cell stands in the row as it is, once its bars have their backslashes again.
    const written = content.replaceAll('|', '\\|');
    const start = source.slice(0, to).indexOf(written, at);
    if (start === -1) return () => null;
    for (let index = 0, position = start; index <= content.length; index += 1, position += 1) {
      if (content[index] === '|') position += 1;
      places.push(position);
    }
    at = start + written.length;
    return (offset) => places[offset] ?? null;
  });
};

/** For each inline token, where its content stands. */
const locators = (source: string, tokens: readonly Token[]): ReadonlyMap<Token, Locate> => {
  const lines = linesOf(source);
  const result = new Map<Token, Locate>();
  let row: { readonly line: Range; readonly cells: Token[] } | null = null;
  for (const token of tokens) {
    const line = lines[token.map?.[0] ?? -1];
    if (token.type === 'tr_open' && line !== undefined) row = { line, cells: [] };
    if (token.type === 'tr_close' && row !== null) {
      const { cells } = row;
      locateCells(source, row.line, cells).forEach((locate, index) => cells[index] && result.set(cells[index], locate));
      row = null;
    }
    if (token.type !== 'inline') continue;
    if (row === null) result.set(token, locateText(source, lines, token));
    else row.cells.push(token);
  }
  return result;
};

const note = (search: Search, source: string, { from, to }: Range, isWiki: boolean): void =>
  void search.found.push({ written: source.slice(from, to), at: from, isWiki });

const noteInline = (state: StateInline, { from, to }: Range, isWiki: boolean): void => {
  const search = state.env[searchKey] as Search & { readonly source: string };
  if (search.inline?.tokens !== state.tokens) return;
  const [start, end] = [search.inline.locate(from), search.inline.locate(to - 1)];
  if (start !== null && end !== null && start <= end) note(search, search.source, { from: start, to: end + 1 }, isWiki);
};

/**
 * Notes the destinations that the parser itself reads: `parseLinkDestination` is asked for each, and what it was asked last by a rule that succeeded is one.
 */
const noteDestinations = (md: MarkdownIt): void => {
  const asked: (Range | null)[] = [];
  const { parseLinkDestination } = md.helpers;
  md.helpers.parseLinkDestination = (text, start, max) => {
    const result = parseLinkDestination(text, start, max);
    if (asked.length > 0) asked[asked.length - 1] = result.ok && result.pos > start ? { from: start, to: result.pos } : null;
    return result;
  };
  const watched = (run: () => boolean): { readonly succeeded: boolean; readonly range: Range | null } => {
    asked.push(null);
    const succeeded = run();
    return { succeeded, range: asked.pop() ?? null };
  };

  const { __rules__: inlineRules } = md.inline.ruler;
  for (const name of ['link', 'image']) {
    const rule = inlineRules.find((each) => each.name === name)?.fn;
    if (rule === undefined) throw new Error(`the parser has no rule ${name}`);
    md.inline.ruler.at(name, (state, silent) => {
      const { length } = state.tokens;
      const { succeeded, range } = watched(() => rule(state, silent));
      // The token of a reference has its label, and its destination stands elsewhere.
      const isOwn = !silent && state.tokens.slice(length).find(({ type }) => type === 'link_open' || type === 'image')?.meta === null;
      if (succeeded && isOwn && range !== null) noteInline(state, range, false);
      return succeeded;
    });
  }
  const reference = md.block.ruler.__rules__.find((each) => each.name === 'reference')?.fn;
  if (reference === undefined) throw new Error('the parser has no rule reference');
  md.block.ruler.at('reference', (state, startLine, endLine, silent) => {
    const { succeeded, range } = watched(() => reference(state, startLine, endLine, silent));
    if (succeeded && !silent && range !== null) note(state.env[searchKey] as Search, state.src, range, false);
    return succeeded;
  });
};

const noteWikiLinks = (md: MarkdownIt): void => {
  const written = new RegExp(WIKI_LINK.source, 'y');
  md.inline.ruler.before('link', 'wiki_link', (state, silent) => {
    written.lastIndex = state.pos;
    const [whole = ''] = written.exec(state.src) ?? [];
    if (whole === '' || state.pos + whole.length > state.posMax) return false;
    if (!silent) {
      noteInline(state, { from: state.pos, to: state.pos + whole.length }, true);
      state.pending += whole;
    }
    state.pos += whole.length;
    return true;
  });
};

/** Parses the inline content of a text, piece by piece. */
const inPieces = (md: MarkdownIt): void =>
  md.core.ruler.at('inline', (state) => {
    const search = state.env[searchKey] as Search;
    const located = locators(state.src, state.tokens);
    for (const token of state.tokens) {
      if (token.type !== 'inline') continue;
      token.children = [];
      search.inline = { tokens: token.children, locate: located.get(token) ?? (() => null) };
      state.md.inline.parse(token.content, state.md, state.env, token.children);
    }
  });

const parser = createPlainParser().use(noteDestinations).use(noteWikiLinks).use(inPieces);

/** All destinations of links, images and definitions of a text, and its wiki links, in order. @param source with `\n` as its line ends */
export const destinationsIn = (source: string): readonly Destination[] => {
  const search: Search & { readonly source: string } = { found: [], inline: null, source };
  parser.parse(source, { [searchKey]: search });
  return search.found.sort((a, b) => a.at - b.at);
};
