import type { Env, MarkdownIt, Token } from 'markdown-it';
import { anchorOf, createAnchors } from '../anchors.js';

/** `{#name}` at the end of a heading, as Pandoc, Hugo and Docusaurus have it. */
const OWN_NAME = /\s*\{#([\p{L}\p{N}_.:-]{1,100})\}\s*$/u;

const textOf = (tokens: readonly Token[]): string =>
  tokens
    .map(({ type, content, markup, children }) => {
      if (type === 'image') return textOf(children ?? []);
      if (type === 'emoji') return markup;
      return type === 'text' || type === 'code_inline' || type === 'math_inline' ? content : type === 'softbreak' ? ' ' : '';
    })
    .join('');

const anchorsKey = Symbol('anchors');

/** The anchors of a text that has been parsed. */
export const anchorsOf = (env: Env): ReadonlySet<string> => (env[anchorsKey] as ReadonlySet<string> | undefined) ?? new Set();

/** Takes `{#name}` off a heading. @returns the name */
const ownName = (inline: Token): string | null => {
  const last = inline.children?.at(-1);
  const [whole = '', name] = (last?.type === 'text' ? OWN_NAME.exec(last.content) : null) ?? [];
  if (last === undefined || name === undefined) return null;
  last.content = last.content.slice(0, -whole.length);
  return name;
};

/** A heading in HTML, by its attributes and what stands in it. */
const HTML_HEADING = /<(h[1-6])((?:\s[^<>]*)?)>(.{0,1000}?)<\/\1\s*>/gis;

/** Gives the headings of a piece of HTML their ids, but for those that have one. */
const withIds = (html: string, next: (name: string) => string): string =>
  html.replace(HTML_HEADING, (whole, tag: string, attributes: string, inner: string) => {
    const anchor = /\sid\s*=/i.test(attributes) ? '' : anchorOf(inner.replace(/<[^>]*>|&#?\w+;/g, ''));
    return anchor === '' ? whole : `<${tag} id="${next(anchor)}"${attributes}>${inner}</${tag}>`;
  });

/** Every heading has an id, by which links lead to it; it gets its prefix with the others, when the HTML is sanitised. */
export const headings = (md: MarkdownIt): void => {
  md.core.ruler.push('headings', (state) => {
    const { taken, next } = createAnchors();
    state.env[anchorsKey] = taken;
    state.tokens.forEach((open, at) => {
      if (open.type === 'html_block') open.content = withIds(open.content, next);
      const inline = state.tokens[at + 1];
      if (open.type !== 'heading_open' || inline === undefined) return;
      const anchor = next(ownName(inline) ?? anchorOf(textOf(inline.children ?? [])));
      if (anchor !== '') open.attrSet('id', anchor);
    });
  });
};
