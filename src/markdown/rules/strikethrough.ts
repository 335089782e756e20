import type { Delimiter, MarkdownIt, StateInline } from 'markdown-it';

const TILDE = 0x7e;
/** One tilde is no partner of two, so they count as different markers. No character has this number. */
const SINGLE = 0x110000;

const isOurs = ({ marker }: Delimiter): boolean => marker === TILDE || marker === SINGLE;

const tokenise = (state: StateInline, silent: boolean): boolean => {
  if (silent || state.src.charCodeAt(state.pos) !== TILDE) return false;
  const { length, can_open: open, can_close: close } = state.scanDelims(state.pos, true);
  const token = state.push('text', '', 0);
  token.content = '~'.repeat(length);
  state.pos += length;
  if (length <= 2) {
    const marker = length === 2 ? TILDE : SINGLE;
    state.delimiters.push({ marker, length: 0, token: state.tokens.length - 1, end: -1, open, close });
  }
  return true;
};

const strike = (state: StateInline, delimiters: readonly Delimiter[]): void => {
  for (const opening of delimiters) {
    const closing = isOurs(opening) ? delimiters[opening.end] : undefined;
    if (closing === undefined) continue;
    for (const [at, type, nesting] of [[opening.token, 'del_open', 1] as const, [closing.token, 'del_close', -1] as const]) {
      const token = state.tokens[at];
      if (token !== undefined) Object.assign(token, { type, nesting, tag: 'del', markup: token.content, content: '' });
    }
  }
};

/** `~text~` and `~~text~~`, as GitHub has them. */
export const strikethrough = (md: MarkdownIt): void => {
  md.inline.ruler.at('strikethrough', tokenise);
  md.inline.ruler2.at('strikethrough', (state) => {
    strike(state, state.delimiters);
    for (const meta of state.tokens_meta) if (meta?.delimiters !== undefined) strike(state, meta.delimiters);
  });
};
