import type { MarkdownIt, StateCore, Token } from 'markdown-it';

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

/** The tags of HTML between which nothing is a mention. */
const TAG = /<(\/?)(?:a|code|pre|kbd|samp|var)\b/gi;

const depthAfter = (html: string, depth: number): number =>
  Array.from(html.matchAll(TAG)).reduce((deep, [, closes]) => Math.max(0, deep + (closes === '/' ? -1 : 1)), depth);

/** What stands before the next text, as far as it may be of the same word. */
const lastOf = ({ type, content }: Token): string => (type === 'text' || type === 'text_special' ? content.slice(-1) : '');

const linked = (state: StateCore, { content, level }: Token, before: string): Token[] => {
  const parts: Token[] = [];
  const push = (type: string, text: string, markup = ''): void => {
    const part = new state.Token(type, '', 0);
    Object.assign(part, { content: text, level, markup });
    if (text !== '') parts.push(part);
  };
  let from = 0;
  for (const { index, 0: whole, 1: username = '' } of (before + content).matchAll(MENTION)) {
    const at = index - before.length;
    // The sign itself stands before the text: it was escaped.
    if (at < 0) continue;
    push('text', content.slice(from, at));
    push('mention', whole, username);
    from = at + whole.length;
  }
  push('text', content.slice(from));
  return parts;
};

/**
 * `@username` as a link to `/people/USERNAME`. Whether there is somebody of that name is not asked, so that the HTML of a text depends on nothing but the text.
 * Code, links and what stands for something else than its text mention nobody.
 */
export const mentions = (md: MarkdownIt): void => {
  md.core.ruler.before('text_join', 'mentions', (state) => {
    let inHtml = 0;
    let inLinks = 0;
    const inText = (children: readonly Token[]): Token[] => {
      let last = '';
      return children.flatMap((token) => {
        const before = last;
        last = lastOf(token);
        if (token.type === 'html_inline') inHtml = depthAfter(token.content, inHtml);
        if (token.type === 'link_open' || token.type === 'link_close') inLinks += token.nesting;
        return token.type === 'text' && inHtml === 0 && inLinks === 0 ? linked(state, token, before) : [token];
      });
    };
    for (const token of state.tokens) {
      if (token.type === 'html_block') inHtml = depthAfter(token.content, inHtml);
      if (token.type === 'inline' && /[@<]/.test(token.content)) token.children = inText(token.children ?? []);
    }
  });
};
