import type { MarkdownIt, StateCore, Token } from 'markdown-it';

/** The kinds of alert, with what stands above each. */
const KINDS: Readonly<Record<string, string>> = {
  note: 'Note',
  tip: 'Tip',
  important: 'Important',
  warning: 'Warning',
  caution: 'Caution',
};

const MARK = /^\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|$)/i;

const titleOf = (state: StateCore, title: string): Token[] => {
  const open = new state.Token('paragraph_open', 'p', 1);
  open.attrSet('class', 'markdown-alert-title');
  const inline = new state.Token('inline', '', 0);
  inline.content = title;
  inline.children = [];
  const close = new state.Token('paragraph_close', 'p', -1);
  for (const token of [open, close]) token.block = true;
  return [open, inline, close];
};

/** Of each quote, in the order of the tokens, where it ends. */
const endsOf = (tokens: readonly Token[]): ReadonlyMap<Token, Token> => {
  const open: Token[] = [];
  const ends = new Map<Token, Token>();
  for (const token of tokens) {
    if (token.type === 'blockquote_open') open.push(token);
    if (token.type === 'blockquote_close') ends.set(open.pop() ?? token, token);
  }
  return ends;
};

/** Takes the mark away, and its paragraph where there is nothing else in it. */
const withoutMark = (state: StateCore, at: number, mark: string): void => {
  const inline = state.tokens[at + 2];
  if (inline === undefined) return;
  inline.content = inline.content.slice(mark.length);
  if (inline.content.trim() === '') for (const offset of [1, 2, 3]) state.tokens[at + offset] = new state.Token('nothing', '', 0);
};

/** `> [!NOTE]` and its kin. Before the inline content is parsed, for which the mark might be a link. */
export const alerts = (md: MarkdownIt): void => {
  md.renderer.rules['nothing'] = () => '';
  md.core.ruler.before('inline', 'alerts', (state) => {
    const ends = endsOf(state.tokens);
    const titles = new Map<Token, Token[]>();
    state.tokens.forEach((open, at) => {
      const [mark = '', kind = ''] = MARK.exec(state.tokens[at + 2]?.content ?? '') ?? [];
      if (open.type !== 'blockquote_open' || open.level > 0 || state.tokens[at + 1]?.type !== 'paragraph_open' || mark === '') return;
      withoutMark(state, at, mark);
      open.attrSet('class', `markdown-alert markdown-alert-${kind.toLowerCase()}`);
      titles.set(open, titleOf(state, KINDS[kind.toLowerCase()] ?? kind));
      for (const token of [open, ends.get(open)]) if (token !== undefined) token.tag = 'div';
    });
    if (titles.size > 0) state.tokens = state.tokens.flatMap((token) => [token, ...(titles.get(token) ?? [])]);
  });
};
