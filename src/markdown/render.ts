import { createHash } from 'node:crypto';
import { Marked } from 'marked';
import sanitizeHtml, { type IOptions } from 'sanitize-html';
import { MARKDOWN_MAX, RENDER_MS, withinWork } from './budget.js';
import { withMentions } from './mentions.js';

const marked = new Marked({ gfm: true, async: false });

/**
 * What the HTML of a text may contain. `id`, `name`, `style` and free `class` values are forbidden because they could affect the page
 * around it. SVG and MathML are forbidden because sanitisers are usually bypassed through their parsing rules.
 */
const ALLOWED: IOptions = {
  allowedTags: [
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'br', 'hr', 'div', 'span', 'blockquote', 'pre', 'details', 'summary'],
    ...['ul', 'ol', 'li', 'dl', 'dt', 'dd', 'table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'input'],
    ...['a', 'img', 'code', 'kbd', 'samp', 'var', 'em', 'strong', 'i', 'b', 'u', 's', 'del', 'ins', 'sub', 'sup'],
    ...['mark', 'small', 'abbr', 'cite', 'q', 'figure', 'figcaption'],
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title', 'width', 'height'],
    ol: ['start'],
    th: ['align', 'colspan', 'rowspan'],
    td: ['align', 'colspan', 'rowspan'],
    p: ['align'],
    div: ['align'],
    abbr: ['title'],
    details: ['open'],
    input: ['type', 'checked', 'disabled'],
    ...Object.fromEntries(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((tag) => [tag, ['align']])),
  },
  allowedClasses: { code: ['language-*'] },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'svg', 'math', 'template', 'iframe'],
  // Only the checkboxes of task lists are allowed, no other inputs.
  exclusiveFilter: ({ tag, attribs }) => tag === 'input' && attribs['type'] !== 'checkbox',
  transformTags: {
    a: (tagName, { rel: _theirs, ...attribs }) => ({
      tagName,
      attribs: attribs['href'] === undefined ? attribs : { ...attribs, rel: 'nofollow noopener noreferrer' },
    }),
    input: (tagName, attribs) => ({ tagName, attribs: { ...attribs, disabled: '' } }),
  },
  parseStyleAttributes: false,
  // Deeper nesting is of no use to readers and exhausts the stack of code that walks the tree.
  nestingLimit: 100,
};

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const plain = (source: string): string => `<pre>${source.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)}</pre>`;

const EXCEEDED_MAX = 1_000;
/** Renders Markdown. @param leftMs how long it may take; the result is null when that is less than a text may take, and too little */
export interface Render {
  (source: string): string;
  (source: string, leftMs: number): string | null;
}

interface RendererOptions {
  /** Another time budget, in milliseconds. */
  readonly budgetMs?: number;
  /** Whether `@username` is a link to that profile, as in what people say to each other; in an article it is what it says. */
  readonly mentions?: boolean;
}

/**
 * Creates the function that renders Markdown (GitHub's flavour) to sanitised HTML, which is safe to insert into a page: no scripts, event
 * handlers, styles, frames or forms, and only URLs that are relative, http, https or (in links) mailto. Relative links are kept; every link
 * has `rel="nofollow noopener noreferrer"`. The function never throws and blocks the event loop for {@link RENDER_MS} at most: a text
 * that takes longer to parse, or is longer than {@link MARKDOWN_MAX}, is shown as source in a `pre`. Such texts are remembered, so each costs
 * that time only once.
 */
export const createRenderer = ({ budgetMs = RENDER_MS, mentions = false }: RendererOptions = {}): Render => {
  const toHtml = (source: string): string => {
    const tokens = marked.lexer(source);
    return marked.parser(mentions ? withMentions(tokens) : tokens);
  };
  /** The SHA-256 of texts that exceeded the time budget, oldest first. */
  const exceeded = new Set<string>();

  const remember = (digest: string): void => {
    exceeded.add(digest);
    for (const oldest of exceeded) {
      if (exceeded.size <= EXCEEDED_MAX) break;
      exceeded.delete(oldest);
    }
  };

  const render = (source: string, leftMs = budgetMs): string | null => {
    if (source.length > MARKDOWN_MAX) return plain(source);
    const digestOf = (): string => createHash('sha256').update(source).digest('base64');
    if (exceeded.size > 0 && exceeded.has(digestOf())) return plain(source);
    const ms = Math.min(leftMs, budgetMs);
    const html = withinWork(() => sanitizeHtml(toHtml(source), ALLOWED), ms);
    if (html !== null || leftMs < budgetMs) return html;
    remember(digestOf());
    return plain(source);
  };
  // With its whole budget a text is never given up without a result.
  return render as Render;
};
