import type { Env, MarkdownIt, StateCore, Token } from 'markdown-it';
import plugin from 'markdown-it-footnote';

interface Note {
  readonly id: number;
  readonly subId?: number;
}

const noteOf = (token: Token | undefined): Note => token?.meta as unknown as Note;
const numberOf = ({ id }: Note): number => id + 1;
/** The place where a note is referred to; the second and later ones have a number of their own. */
const placeOf = (note: Note): string => `fnref-${numberOf(note)}${note.subId ? `-${note.subId + 1}` : ''}`;

/** What the plugin finds: the labels that are referred to, in order, and how often. */
interface Found {
  readonly list?: readonly { readonly label: string; readonly count: number }[];
}

/** Takes the definitions out of the text. @returns what stands in each, by its label */
const definitionsOf = (state: StateCore): ReadonlyMap<string, readonly Token[]> => {
  const definitions = new Map<string, Token[]>();
  const open: Token[][] = [];
  const rest: Token[] = [];
  for (const token of state.tokens) {
    if (token.type === 'footnote_reference_open') open.push([]);
    else if (token.type === 'footnote_reference_close') open.pop();
    else (open.at(-1) ?? rest).push(token);
    if (token.type === 'footnote_reference_open') definitions.set(String(token.meta?.['label']), open.at(-1) ?? []);
  }
  state.tokens = rest;
  return definitions;
};

/** The notes at the end, each with the ways back. The plugin's own rule takes quadratic time. */
const notesAtEnd = (state: StateCore): void => {
  const definitions = definitionsOf(state);
  const { list = [] } = (state.env as Env & { readonly footnotes?: Found }).footnotes ?? {};
  if (list.length === 0) return;
  const push = (type: string, meta: object = {}): void => {
    const token = new state.Token(type, '', 0);
    token.meta = { ...meta };
    state.tokens.push(token);
  };
  push('footnote_block_open');
  list.forEach(({ label, count }, id) => {
    push('footnote_open', { id });
    for (const token of definitions.get(label) ?? []) state.tokens.push(token);
    const last = state.tokens.at(-1)?.type === 'paragraph_close' ? state.tokens.pop() : undefined;
    for (let subId = 0; subId < count; subId += 1) push('footnote_anchor', { id, subId });
    if (last !== undefined) state.tokens.push(last);
    push('footnote_close');
  });
  push('footnote_block_close');
};

/** `[^1]` and `[^1]: note`. */
export const footnotes = (md: MarkdownIt): void => {
  md.use(plugin);
  // `^[…]` is a note in Pandoc alone.
  md.inline.ruler.disable('footnote_inline');
  md.core.ruler.at('footnote_tail', notesAtEnd);
  Object.assign(md.renderer.rules, {
    footnote_ref: (tokens: readonly Token[], at: number) => {
      const note = noteOf(tokens[at]);
      return `<sup class="footnote-ref"><a href="#fn-${numberOf(note)}" id="${placeOf(note)}" role="doc-noteref">${numberOf(note)}</a></sup>`;
    },
    footnote_block_open: () => '<section class="footnotes" role="doc-endnotes">\n<ol>\n',
    footnote_open: (tokens: readonly Token[], at: number) => `<li id="fn-${numberOf(noteOf(tokens[at]))}">`,
    footnote_anchor: (tokens: readonly Token[], at: number) =>
      ` <a href="#${placeOf(noteOf(tokens[at]))}" class="footnote-backref" role="doc-backlink">\u21a9\ufe0e</a>`,
  });
};
