import type { MarkdownIt } from 'markdown-it';
import emojis from 'markdown-it-emoji/lib/data/full.mjs';

/** `:tada:`, by the names that GitHub has for them. */
export const emoji = (md: MarkdownIt): void => {
  const written = /:([a-z0-9_+-]{1,60}):/y;
  md.inline.ruler.after('linkify', 'emoji', (state, silent) => {
    written.lastIndex = state.pos;
    const [whole = '', name = ''] = written.exec(state.src) ?? [];
    if (whole === '' || state.pos + whole.length > state.posMax || !Object.hasOwn(emojis, name)) return false;
    if (!silent) Object.assign(state.push('emoji', '', 0), { content: emojis[name], markup: name });
    state.pos += whole.length;
    return true;
  });
  md.renderer.rules['emoji'] = (tokens, at) => tokens[at]?.content ?? '';
};
