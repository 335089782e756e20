import sanitizeHtml, { type Attributes, type IOptions } from 'sanitize-html';
import { ID_PREFIX, targetOf } from './anchors.js';
import { NESTING_MAX } from './limits.js';

const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/**
 * What the HTML of a text may contain. `name`, `style` and free `class` values are forbidden because they could affect the page around it, and every `id` gets a
 * prefix. SVG and MathML are forbidden because sanitisers are usually bypassed through their parsing rules; formulas are put in afterwards.
 */
const ALLOWED: IOptions = {
  allowedTags: [
    ...[...HEADINGS, 'p', 'br', 'hr', 'div', 'span', 'blockquote', 'pre', 'details', 'summary', 'section'],
    ...['ul', 'ol', 'li', 'dl', 'dt', 'dd', 'table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'input'],
    ...['a', 'img', 'code', 'kbd', 'samp', 'var', 'em', 'strong', 'i', 'b', 'u', 's', 'del', 'ins', 'sub', 'sup'],
    ...['mark', 'small', 'abbr', 'cite', 'q', 'figure', 'figcaption'],
  ],
  allowedAttributes: {
    '*': ['id'],
    a: ['href', 'title', 'rel', 'role'],
    section: ['role'],
    img: ['src', 'alt', 'title', 'width', 'height'],
    ol: ['start'],
    th: ['align', 'colspan', 'rowspan'],
    td: ['align', 'colspan', 'rowspan'],
    p: ['align'],
    div: ['align'],
    abbr: ['title'],
    details: ['open'],
    input: ['type', 'checked', 'disabled'],
    ...Object.fromEntries(HEADINGS.map((tag) => [tag, ['align']])),
  },
  allowedClasses: {
    code: ['language-*'],
    span: ['hljs-*'],
    div: ['markdown-alert', 'markdown-alert-*'],
    p: ['markdown-alert-title'],
    li: ['task-list-item'],
    section: ['footnotes'],
    sup: ['footnote-ref'],
    a: ['footnote-backref'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['http', 'https'] },
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'svg', 'math', 'template', 'iframe'],
  // Only the checkboxes of task lists are allowed, no other inputs.
  exclusiveFilter: ({ tag, attribs }) => tag === 'input' && attribs['type'] !== 'checkbox',
  parseStyleAttributes: false,
  nestingLimit: NESTING_MAX,
};

/** The roles of footnotes; any other would tell those who hear a page what is not there. */
const ROLES: ReadonlySet<string> = new Set(['doc-noteref', 'doc-backlink', 'doc-endnotes']);

/** Blanks in an id would end the reference to it. */
const prefixed = (id: string): string => (id.startsWith(ID_PREFIX) ? id : `${ID_PREFIX}${id}`).replace(/\s/g, '-');

const link = ({ rel: _theirs, name, ...attribs }: Attributes, anchors: ReadonlySet<string>): Attributes => {
  // What older pages have in the place of an id.
  const id = attribs['id'] ?? name;
  const href = attribs['href']?.trim();
  return {
    ...attribs,
    ...(id === undefined ? {} : { id: prefixed(id) }),
    ...(href === undefined ? {} : { rel: 'nofollow noopener noreferrer' }),
    ...(href?.startsWith('#') && href.length > 1 ? { href: `#${encodeURIComponent(targetOf(href.slice(1), anchors))}` } : {}),
  };
};

export interface Sanitising {
  /** The headings of the text, to which links within it lead. */
  readonly anchors: ReadonlySet<string>;
  /** Says what stands in the place of an escaped text. What it gives is trusted. */
  readonly fill: (escaped: string) => string;
  /** Called with the attributes of each link that is let through, as they were written. */
  readonly onLink?: (attributes: Readonly<Attributes>) => void;
}

/** HTML of which nothing is left that could hurt a page around it. Texts, and only texts, are passed to `fill` afterwards. */
export const sanitise = (html: string, { anchors, fill, onLink }: Sanitising): string =>
  sanitizeHtml(html, {
    ...ALLOWED,
    textFilter: fill,
    transformTags: {
      a: (tagName, attribs) => {
        onLink?.(attribs);
        return { tagName, attribs: link(attribs, anchors) };
      },
      input: (tagName, attribs) => ({ tagName, attribs: { ...attribs, disabled: '' } }),
      '*': (tagName, { id, role, ...attribs }) => ({
        tagName,
        attribs: { ...attribs, ...(id ? { id: prefixed(id) } : {}), ...(role !== undefined && ROLES.has(role) ? { role } : {}) },
      }),
    },
  });
