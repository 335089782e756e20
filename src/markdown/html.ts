import type { Context, RenderedMarkdown, RenderingAllowance } from '../context.js';
import { coded } from '../errors.js';
import { createByteCache } from '../memory/byte-cache.js';
import { cpuMs, MARKDOWN_MAX, RENDER_MS } from './budget.js';
import { createRenderer } from './render.js';

/** The size of the cache. Rendering a text of some pages takes a few milliseconds, and a list may show a hundred. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** The most characters of Markdown that one operation has rendered anew: a hundred entries of some pages, or two of the longest. */
const MAX_RENDERED = 2 * MARKDOWN_MAX;

const allowanceKey = Symbol('rendering allowance');

/** What is left to an operation, or to one event. */
const allowanceOf = ({ loaded }: Pick<Context, 'loaded'>): RenderingAllowance => {
  const known = loaded.get(allowanceKey) as RenderingAllowance | undefined;
  if (known !== undefined) return known;
  const allowance = { characters: MAX_RENDERED, ms: RENDER_MS };
  loaded.set(allowanceKey, allowance);
  return allowance;
};

const tooMuch = (): Error =>
  coded('OPERATION_TOO_COMPLEX', 'Too much Markdown would have to be rendered at once. Ask for the HTML of fewer texts at a time.', {
    limit: MAX_RENDERED,
  });

/**
 * The HTML of a text, for whoever asks: it depends on nothing but the text.
 * @param mentions whether `@username` is a link
 * @throws OPERATION_TOO_COMPLEX when the operation has had too much rendered already, see {@link MAX_RENDERED}
 */
export const htmlOf = (
  context: Pick<Context, 'loaded' | 'markdown'>,
  source: string,
  { mentions = false }: { readonly mentions?: boolean } = {},
): string | Promise<string> => context.markdown.html(source, allowanceOf(context), mentions);

/**
 * Creates the renderer of a process with its cache. What is kept is found by the text itself, so whoever writes the same again has it
 * rendered once, and no version can be mistaken for another. Texts are rendered one in each turn of the event loop, so that others are served
 * between two of them.
 */
export const createRenderedMarkdown = (): RenderedMarkdown => {
  const renderers = { plain: createRenderer(), mentioning: createRenderer({ mentions: true }) };
  const kept = createByteCache<string>(MAX_KEPT_BYTES, (html) => 2 * html.length);
  let lastTurn: Promise<void> = Promise.resolve();

  const turn = (): Promise<void> => (lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve))));

  const make = async (key: string, source: string, allowance: RenderingAllowance): Promise<string> => {
    await turn();
    // Somebody may have asked for the same text a turn earlier.
    const known = kept.get(key);
    if (known !== undefined) return known;
    allowance.characters -= source.length;
    if (allowance.characters < 0 || allowance.ms < 1) throw tooMuch();
    const startedAt = cpuMs();
    const html = (key === source ? renderers.plain : renderers.mentioning)(source, Math.ceil(allowance.ms));
    allowance.ms -= cpuMs() - startedAt;
    if (html === null) throw tooMuch();
    kept.set(key, html);
    return html;
  };

  return {
    html: (source, allowance, mentions) => {
      // No text that is stored has the character in front.
      const key = mentions && source.includes('@') ? `\u0000${source}` : source;
      return kept.get(key) ?? make(key, source, allowance);
    },
  };
};
