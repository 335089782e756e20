import { randomBytes } from 'node:crypto';
import type { Env, MarkdownIt, Token } from 'markdown-it';
import { asWritten, escape } from './as-written.js';
import { FORMULAS_MAX, mathMl } from './formulas.js';
import { highlighted, HIGHLIGHTED_MAX } from './highlight.js';
import { HTML_MAX, MARKDOWN_MAX } from './limits.js';
import { createParser, Unrenderable } from './parser.js';
import { anchorsOf } from './rules/headings.js';
import { sanitise } from './sanitise.js';

export interface Rendering {
  /** Whether `@username` is a link to that profile, as in what people say to each other; in an article it is what it says. */
  readonly mentions: boolean;
  /** Without colours of code and without formulas, which are given up first when a text takes too long. */
  readonly plainly?: boolean;
}

/** A text as HTML, and the usernames of its mentions, as they are written. */
export interface Rendered {
  readonly html: string;
  readonly mentions: readonly string[];
}

/** What one text has left, and what stands in for its formulas until its HTML is sanitised. */
interface Work {
  readonly plainly: boolean;
  highlighted: number;
  readonly formulas: string[];
  /** Nobody who writes a text can know it: it tells what we have put into the HTML from what they have. */
  readonly secret: string;
}

const workKey = Symbol('work');
const workOf = (env: Env | undefined): Work => env?.[workKey] as Work;

const code = (language: string, html: string): string =>
  `<pre><code${language === '' ? '' : ` class="language-${escape(language)}"`}>${html}</code></pre>\n`;

const formula = (env: Env | undefined, { content, markup }: Pick<Token, 'content' | 'markup'>, isDisplayed: boolean): string => {
  const work = workOf(env);
  const mathml = work.plainly || work.formulas.length >= FORMULAS_MAX ? null : mathMl(content, isDisplayed);
  return mathml === null ? `<code class="language-math">${escape(markup)}</code>` : `${work.secret}${work.formulas.push(mathml) - 1}.`;
};

const fence = (env: Env | undefined, { content, info }: Token): string => {
  const [language = ''] = info.trim().split(/\s+/);
  const work = workOf(env);
  if (language === 'math' && !work.plainly) return `<p>${formula(env, { content, markup: content }, true)}</p>\n`;
  const isColoured = !work.plainly && language !== '' && (work.highlighted += content.length) <= HIGHLIGHTED_MAX;
  return code(language, (isColoured ? highlighted(content, language) : null) ?? escape(content));
};

/** The attribute by which the link of a mention is known; it is not let through. */
const MENTION = 'data-mention';

const withRules = (md: MarkdownIt): MarkdownIt => {
  Object.assign(md.renderer.rules, {
    mention: (tokens: readonly Token[], at: number, _options: object, env: Env) =>
      `<a href="/people/${tokens[at]?.markup ?? ''}" ${MENTION}="${workOf(env).secret}">${tokens[at]?.content ?? ''}</a>`,
    fence: (tokens: readonly Token[], at: number, _options: object, env: Env) => (tokens[at] ? fence(env, tokens[at]) : ''),
    math_inline: (tokens: readonly Token[], at: number, _options: object, env: Env) => (tokens[at] ? formula(env, tokens[at], false) : ''),
    math_display: (tokens: readonly Token[], at: number, _options: object, env: Env) => {
      const token = tokens[at];
      if (token === undefined) return '';
      return token.block ? `<p>${formula(env, token, true)}</p>\n` : formula(env, token, true);
    },
  });
  return md;
};

const parsers = { talk: withRules(createParser({ mentions: true })), article: withRules(createParser({ mentions: false })) };

/**
 * Renders Markdown (GitHub's flavour) to sanitised HTML, which is safe to insert into a page: no scripts, event handlers, styles, frames or forms, ids with a
 * prefix, and only URLs that are relative, http, https or (in links) mailto. Relative links are kept; every link has `rel="nofollow noopener noreferrer"`.
 * A text that is longer than {@link MARKDOWN_MAX}, nested too deeply or would be too long is shown as source in a `pre`. It takes as long as it takes: see `threads.ts`.
 */
export const rendered = (source: string, { mentions, plainly = false }: Rendering): Rendered => {
  const shown: Rendered = { html: asWritten(source), mentions: [] };
  if (source.length > MARKDOWN_MAX) return shown;
  const work: Work = { plainly, highlighted: 0, formulas: [], secret: `x${randomBytes(16).toString('hex')}.` };
  const env: Env = { [workKey]: work };
  try {
    const html = (mentions ? parsers.talk : parsers.article).render(source, env);
    const place = new RegExp(`${work.secret.replace('.', '\\.')}(\\d+)\\.`, 'g');
    const fill = (text: string): string => text.replace(place, (_, at) => work.formulas[Number(at)] ?? '');
    const mentioned: string[] = [];
    const onLink = ({ href = '', [MENTION]: mark }: Readonly<Record<string, string>>): void => {
      if (mark === work.secret) mentioned.push(href.slice(href.lastIndexOf('/') + 1));
    };
    // What stands for a formula in an attribute, by a trick, stands for nothing.
    const safe = sanitise(html, { anchors: anchorsOf(env), fill, onLink }).replace(place, '');
    return safe.length > HTML_MAX ? shown : { html: safe, mentions: mentioned };
  } catch (error) {
    // The stack of the parser is used up by what is nested too deeply.
    if (!(error instanceof Unrenderable) && !(error instanceof RangeError)) throw error;
    return shown;
  }
};

/** The HTML of {@link rendered} alone. */
export const renderMarkdown = (source: string, rendering: Rendering): string => rendered(source, rendering).html;
