import { lexer, type Token, type Tokens } from 'marked';
import { withinWork } from './budget.js';

/** Scripts without spaces between words, and those that glue endings to foreign words: what stands beside a username there is no part of it. */
const UNSPACED = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => `\\p{Script=${script}}`)
  .join('');
const letter = (further: string): string => `(?![${UNSPACED}])[\\p{L}\\p{N}_${further}]`;

/**
 * `@` and a username, without hyphens behind it. Inside a word it does not count, so an email address mentions nobody; nor does the name of an account
 * elsewhere (`@ben@mastodon.example`), of a package (`@ben/core`) or of a page (`example.org/@ben`).
 */
const MENTION = new RegExp(`(?<!${letter('@.-')}|/)@([A-Za-z][A-Za-z0-9_-]{1,28}[A-Za-z0-9_])(?!-*${letter('')}|@|/${letter('@')})`, 'gu');

/** What mentions nobody: code, and what is a link already or stands for something else than its text. */
const OPAQUE: ReadonlySet<string> = new Set(['link', 'image', 'code', 'codespan', 'html']);
/** The tags of HTML between which it is the same. */
const TAG = /<(\/?)(?:a|code|pre|kbd|samp|var)\b/gi;

/** How long it may take to find those of a text, in milliseconds: the first one of a process finds a parser that has never run. */
const BUDGET_MS = 500;

type Found = (username: string) => void;

const isTable = (token: Token): token is Tokens.Table => token.type === 'table';
const isList = (token: Token): token is Tokens.List => token.type === 'list';
const isPlainText = (token: Token): token is Tokens.Text => token.type === 'text' && token.tokens === undefined;

const textToken = (text: string, escaped?: boolean): Tokens.Text => ({ type: 'text', raw: text, text, escaped: escaped ?? false });

const linkTo = (username: string): Tokens.Link => {
  const raw = `@${username}`;
  return { type: 'link', raw, href: `/people/${username}`, title: null, text: raw, tokens: [textToken(raw)] };
};

/** @param before the character before the text, which may be of the same word */
const linkedText = ({ text, escaped }: Tokens.Text, before: string, found: Found): Token[] => {
  const parts: Token[] = [];
  let from = 0;
  for (const { index, 0: whole, 1: username = '' } of (before + text).matchAll(MENTION)) {
    const at = index - before.length;
    // The sign itself stands before the text: it was escaped.
    if (at < 0) continue;
    if (at > from) parts.push(textToken(text.slice(from, at), escaped));
    parts.push(linkTo(username));
    found(username);
    from = at + whole.length;
  }
  if (from < text.length) parts.push(textToken(text.slice(from), escaped));
  return parts;
};

const linkedInside = (token: Token, found: Found): Token => {
  const cell = (of: Tokens.TableCell): Tokens.TableCell => ({ ...of, tokens: withMentions(of.tokens, found) });
  if (isTable(token)) return { ...token, header: token.header.map(cell), rows: token.rows.map((row) => row.map(cell)) };
  if (isList(token)) return { ...token, items: token.items.map((item) => ({ ...item, tokens: withMentions(item.tokens, found) })) };
  return 'tokens' in token ? { ...token, tokens: withMentions(token.tokens, found) } : token;
};

/**
 * The same tokens of Markdown with each mention as a link to `/people/USERNAME`. Whether there is somebody of that name is not asked, so that the HTML of a text
 * depends on nothing but the text.
 * @param found called with each of the usernames, as they are written
 */
export const withMentions = (tokens: readonly Token[], found: Found = () => undefined): Token[] => {
  let before = '';
  let depth = 0;
  return tokens.flatMap((token): Token[] => {
    const last = before;
    before = token.raw.slice(-1);
    if (token.type === 'html') for (const [, closes] of token.raw.matchAll(TAG)) depth = Math.max(0, depth + (closes === '/' ? -1 : 1));
    if (depth > 0 || OPAQUE.has(token.type)) return [token];
    return isPlainText(token) ? linkedText(token, last, found) : [linkedInside(token, found)];
  });
};

/** The usernames that a text mentions, as they are written: those that {@link withMentions} makes links of. A text that takes too long to parse mentions nobody. */
export const mentionsIn = (source: string): readonly string[] => {
  if (!source.includes('@')) return [];
  const found = withinWork(() => {
    const names: string[] = [];
    withMentions(lexer(source), (username) => void names.push(username));
    return names;
  }, BUDGET_MS);
  return found ?? [];
};
