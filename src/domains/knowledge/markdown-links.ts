import { posix } from 'node:path';
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { withinBudget } from '../../markdown/budget.js';
import { MARKDOWN_NAME, type PageIndex } from './page-index.js';

/** The files that represent a folder, in order of preference. */
const FOLDER_PAGES = ['README.md', 'index.md', '_index.md', 'README.markdown', 'index.markdown'];

/** A link destination as written in the source, including angle brackets, or a whole wiki link, and its position. */
interface Destination {
  readonly written: string;
  readonly at: number;
  readonly isWiki: boolean;
}

/** `[[page]]`, `[[page#part|label]]`, `![[page]]`: group 1 is the page, 2 the part, 3 the label. In a table the bar is escaped. */
const WIKI_LINK = /!?\[\[([^[\]|#\n\\]*)(?:#([^[\]|\n\\]*))?(?:\\?\|([^[\]\n]*))?\]\]/g;

// The rules of marked, used to find the destination inside a link: group 1 is the label, group 2 the destination.
const LINK = new RegExp(Lexer.rules.inline.gfm.link.source, 'd');
const DEFINITION = new RegExp(Lexer.rules.block.gfm.def.source, 'd');

const decodePath = (raw: string): string | null => {
  const unescaped = raw.replace(/\\([!-/:-@[-`{-~])/g, '$1').replaceAll('&amp;', '&');
  try {
    return decodeURIComponent(unescaped);
  } catch {
    return null;
  }
};

/** A language in front of a path, as addresses of wikis have it. */
const LANGUAGE = /^[a-z]{2}(?:-[a-z]{2})?\//i;

/** The paths that a target may mean, the likeliest first. */
const candidatesOf = (target: string, path: string): readonly string[] => {
  const fromHere = target.startsWith('/') ? [] : [posix.join(posix.dirname(path), target)];
  const fromRoot = target.replace(/^\/+/, '');
  // Vaults and wikis write paths from the top, with a slash and without.
  return [...fromHere, fromRoot, ...(LANGUAGE.test(fromRoot) ? [fromRoot.replace(LANGUAGE, '')] : [])]
    .map((each) => posix.normalize(each))
    .filter((each) => each !== '..' && !each.startsWith('../'))
    .flatMap((each) => {
      const normal = each.replace(/\/$/, '');
      if (MARKDOWN_NAME.test(normal)) return [normal];
      const asFile = normal === '' || normal === '.' ? [] : [`${normal}.md`, `${normal}.markdown`];
      return [...asFile, ...FOLDER_PAGES.map((page) => posix.join(normal, page))];
    });
};

/** The anchor of a heading. */
const anchorOf = (part: string): string =>
  part
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s+/g, '-');

/** The Markdown for a wiki link; null to keep it. */
const rewriteWiki = (written: string, pages: PageIndex): string | null => {
  const [, page = '', part = '', label = ''] = new RegExp(WIKI_LINK.source).exec(written) ?? [];
  const address = page.trim() === '' ? '' : pages.named(page);
  if (address === null || (address === '' && part === '')) return null;
  const text = label.trim() || [page.trim(), part.trim()].filter((each) => each !== '').join(' > ');
  return `[${text.replace(/[[\]\\]/g, '\\$&')}](${address}${part === '' ? '' : `#${anchorOf(part)}`})`;
};

/** The new destination for one in the file at `path`; null to keep it. */
const redirect = ({ written, isWiki }: Destination, path: string, pages: PageIndex): string | null => {
  if (isWiki) return rewriteWiki(written, pages);
  const bracketed = written.startsWith('<');
  const destination = bracketed ? written.slice(1, -1) : written;
  const suffixAt = destination.search(/[?#]/);
  const suffix = suffixAt === -1 ? '' : destination.slice(suffixAt);
  const target = decodePath(suffixAt === -1 ? destination : destination.slice(0, suffixAt));
  if (target === null || target === '' || target.startsWith('//') || /^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  for (const candidate of candidatesOf(target, path)) {
    const address = pages.at(candidate);
    if (address === null) continue;
    const text = `${address}${suffix}`;
    return bracketed || /[\s()<>]/.test(text) ? `<${text}>` : text;
  }
  return null;
};

/**
 * The state of a search in one block. marked does not tell the positions of its tokens, so they are searched for in the source, in order.
 */
interface Block {
  readonly text: string;
  /**
   * It never passes the true position of the next token, so an equal text before it, for example in code, cannot be mistaken for the token.
   */
  cursor: number;
  /** Whether the block is a table: marked removes the backslash before each `|` in its cells. */
  inTable: boolean;
  readonly found: Destination[];
}

/**
 * Moves the cursor behind `raw`, line by line, because quotes and lists have markers and indentation between the lines. Returns a function
 * that maps an offset in `raw` to a position in the block; null for a line that does not occur literally.
 */
const pass = (block: Block, raw: string): ((offset: number) => number | null) => {
  const lines: { start: number; end: number; at: number }[] = [];
  let start = 0;
  for (const line of raw.split('\n')) {
    const text = line.trim();
    const at = text === '' ? -1 : block.text.indexOf(text, block.cursor);
    if (at !== -1) {
      const textStart = start + line.indexOf(text);
      lines.push({ start: textStart, end: textStart + text.length, at });
      block.cursor = at + text.length;
    }
    start += line.length + 1;
  }
  return (offset) => {
    const line = lines.find((candidate) => offset >= candidate.start && offset < candidate.end);
    return line === undefined ? null : line.at + offset - line.start;
  };
};

const passLink = (block: Block, raw: string, rule: RegExp, children: readonly Token[]): void => {
  const literal = block.inTable ? raw.replaceAll('|', '\\|') : raw;
  const before = block.cursor;
  const place = pass(block, literal);
  const after = block.cursor;
  const match = rule.exec(literal);
  const [from] = match?.indices?.[2] ?? [];
  const written = match?.[2];
  const at = from === undefined ? null : place(from);
  if (written !== undefined && at !== null) block.found.push({ written, at, isWiki: false });
  // The label may contain an image with a destination of its own.
  block.cursor = before;
  walk(block, children);
  block.cursor = after;
};

/** Finds wiki links, which marked takes for text. */
const passText = (block: Block, raw: string): void => {
  const literal = block.inTable ? raw.replaceAll('|', '\\|') : raw;
  const place = pass(block, literal);
  for (const { 0: written, index } of literal.matchAll(WIKI_LINK)) {
    const at = place(index);
    if (at !== null) block.found.push({ written, at, isWiki: true });
  }
};

const walkCells = (block: Block, cells: readonly Tokens.TableCell[]): void => {
  for (const cell of cells) walk(block, cell.tokens);
};

const walk = (block: Block, tokens: readonly Token[]): void => {
  for (const token of tokens as readonly MarkedToken[]) {
    switch (token.type) {
      case 'link':
      case 'image':
        passLink(block, token.raw, LINK, token.tokens);
        break;
      case 'def':
        passLink(block, token.raw, DEFINITION, []);
        break;
      case 'list':
        for (const item of token.items) walk(block, item.tokens);
        break;
      case 'table':
        block.inTable = true;
        walkCells(block, token.header);
        for (const row of token.rows) walkCells(block, row);
        block.inTable = false;
        break;
      default:
        if ('tokens' in token) walk(block, token.tokens);
        else if (token.type === 'text') passText(block, token.raw);
        else pass(block, block.inTable ? token.raw.replaceAll('|', '\\|') : token.raw);
    }
  }
};

/** All destinations in a text whose line ends are `\n`, in order. */
const destinationsOf = (text: string): Destination[] => {
  const destinations: Destination[] = [];
  let cursor = 0;
  for (const token of new Lexer({ gfm: true }).lex(text)) {
    const found = text.startsWith(token.raw, cursor) ? cursor : text.indexOf(token.raw, cursor);
    // The `raw` of a list may differ from the source in trailing white space.
    const start = found === -1 ? cursor : found;
    const block: Block = { text: found === -1 ? text.slice(cursor) : token.raw, cursor: 0, inTable: false, found: [] };
    walk(block, [token]);
    for (const each of block.found) destinations.push({ ...each, at: start + each.at });
    cursor = start + (found === -1 ? block.cursor : token.raw.length);
  }
  return destinations.sort((a, b) => a.at - b.at);
};

/**
 * Rewrites the links and images of the file at `path` (relative to the folder of the import, with forward slashes) that lead to other imported pages: relative
 * ones, those from the top of the folder, with the ending and without, and wiki links (`[[page]]`), which become Markdown. Query and fragment are kept. A link to
 * a folder means its README or index. Everything else stays the same byte for byte: code, titles, HTML, links of other sites, links out of the folder and links
 * to what was not imported. The result may be longer than an entry may be. A text that exceeds the time budget of marked is returned unchanged.
 */
export const rewriteLinks = (content: string, path: string, pages: PageIndex): string => {
  // A link contains `](`, a definition `]:`, a wiki link `[[`; most files have none and need no lexer.
  if (!/\][(:]|\[\[/.test(content)) return content;
  // marked accepts only `\n`. No destination spans lines, so positions can be mapped line by line.
  const normal = content.replace(/\r\n|\r/g, '\n');
  const destinations = withinBudget(
    () => destinationsOf(normal),
    () => [],
  );

  const carriageReturns = [...content.matchAll(/\r\n/g)].map((match, index) => match.index - index);
  let returns = 0;
  let copied = 0;
  let result = '';
  for (const destination of destinations) {
    const text = redirect(destination, path, pages);
    if (text === null) continue;
    while ((carriageReturns[returns] ?? Infinity) < destination.at) returns += 1;
    const start = destination.at + returns;
    result += content.slice(copied, start) + text;
    copied = start + destination.written.length;
  }
  return result + content.slice(copied);
};
