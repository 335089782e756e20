import type { MarkdownIt, StateCore, Token } from 'markdown-it';

const WWW = '//www.';
/** A longer address is no link of itself. */
const LONGEST = 2_000;

/** What ends a sentence, or an emphasis, is no part of the address before it. */
const trimmed = (url: string): string => url.replace(/[?!.,:*_~|]+$/, '');

/** The last label ends with a letter: `left-pad@1.3.0` is no address. */
const MAIL =
  /(?<![\p{L}\p{N}._+-])[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9_-]{0,62}[A-Za-z](?![\p{L}\p{N}_@-]|\.[A-Za-z0-9_-])/gu;

/** The text as tokens, with each address of mail as a link. */
const withMailLinks = (state: StateCore, { content, level }: Token): Token[] => {
  const tokens: Token[] = [];
  const push = (type: string, tag: string, nesting: -1 | 0 | 1, fields: Partial<Token> = {}): void =>
    void tokens.push(Object.assign(new state.Token(type, tag, nesting), { level }, fields));
  let from = 0;
  for (const { 0: address, index } of content.matchAll(MAIL)) {
    if (index > from) push('text', '', 0, { content: content.slice(from, index) });
    push('link_open', 'a', 1, { attrs: [['href', `mailto:${address}`]], info: 'auto' });
    push('text', '', 0, { content: address, level: level + 1 });
    push('link_close', 'a', -1, { info: 'auto' });
    from = index + address.length;
  }
  if (from < content.length) push('text', '', 0, { content: content.slice(from) });
  return tokens;
};

const mailLinks = (state: StateCore): void => {
  for (const token of state.tokens) {
    if (token.type !== 'inline' || !token.content.includes('@')) continue;
    let inLinks = 0;
    token.children = (token.children ?? []).flatMap((child) => {
      if (child.type === 'link_open' || child.type === 'link_close') inLinks += child.nesting;
      return child.type === 'text' && inLinks === 0 ? withMailLinks(state, child) : [child];
    });
  }
};

/** Addresses that are links by themselves: those with a scheme, those that begin with `www.`, and of mail. A name such as `readme.md` is none. */
export const webAddresses = (md: MarkdownIt): void => {
  const { linkify } = md;
  linkify.set({ fuzzyLink: false, fuzzyIP: false, fuzzyEmail: false });
  for (const scheme of ['//', 'ftp:']) linkify.add(scheme, null);
  linkify.add('www.', {
    validate: (text, pos, self) => {
      const rest = text.slice(pos, pos + LONGEST);
      const length = self.testSchemaAt(`${WWW}${rest}`, 'http:', 0) - WWW.length;
      return Math.max(0, trimmed(rest.slice(0, Math.max(0, length))).length);
    },
    normalize: (match) => {
      match.url = `http://${match.url}`;
    },
  });
  const matchAtStart = linkify.matchAtStart.bind(linkify);
  linkify.matchAtStart = (text) => {
    const match = matchAtStart(text);
    if (match !== null) match.url = trimmed(match.url);
    return match;
  };
  md.core.ruler.after('linkify', 'mail_links', mailLinks);
};
