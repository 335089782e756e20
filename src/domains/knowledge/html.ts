import type { Context, EntryHtml, RenderingAllowance } from '../../context.js';
import { coded } from '../../errors.js';
import { CONTENT_MAX } from './markdown-budget.js';
import { cpuMs, createRenderer, RENDER_MS } from './markdown.js';

/**
 * The size of the cache in characters of HTML. Rendering an entry of some pages takes a few milliseconds, and a list may show a hundred
 * entries.
 */
const MAX_KEPT = 8_000_000;

/** The most characters of Markdown that one operation has rendered anew: a hundred entries of some pages, or two of the longest. */
const MAX_RENDERED = 2 * CONTENT_MAX;

const allowanceKey = Symbol('rendering allowance');

/** What is left to an operation, or to one event. */
export const renderingAllowance = ({ loaded }: Pick<Context, 'loaded'>): RenderingAllowance => {
  const known = loaded.get(allowanceKey) as RenderingAllowance | undefined;
  if (known !== undefined) return known;
  const allowance = { characters: MAX_RENDERED, ms: RENDER_MS };
  loaded.set(allowanceKey, allowance);
  return allowance;
};

const tooMuch = (): Error =>
  coded('OPERATION_TOO_COMPLEX', 'Too much Markdown would have to be rendered at once. Ask for the HTML of fewer entries at a time.', {
    limit: MAX_RENDERED,
  });

/**
 * Creates the cache of rendered entries. The least recently used are evicted first. Texts are rendered one in each turn of the event loop, so
 * that others are served between two of them.
 */
export const createEntryHtml = (): EntryHtml => {
  const render = createRenderer();
  /** Ordered by use, the least recently used first. */
  const kept = new Map<string, string>();
  let keptCharacters = 0;
  let lastTurn: Promise<void> = Promise.resolve();

  const remember = (key: string, html: string): void => {
    kept.set(key, html);
    keptCharacters += html.length;
    for (const [oldest, { length }] of kept) {
      if (keptCharacters <= MAX_KEPT) break;
      kept.delete(oldest);
      keptCharacters -= length;
    }
  };

  const find = (key: string): string | undefined => {
    const known = kept.get(key);
    if (known === undefined) return undefined;
    kept.delete(key);
    kept.set(key, known);
    return known;
  };

  const turn = (): Promise<void> => (lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve))));

  const make = async (key: string, content: string, allowance: RenderingAllowance): Promise<string> => {
    await turn();
    const known = find(key);
    if (known !== undefined) return known;
    allowance.characters -= content.length;
    if (allowance.characters < 0 || allowance.ms < 1) throw tooMuch();
    const startedAt = cpuMs();
    const html = render(content, Math.ceil(allowance.ms));
    allowance.ms -= cpuMs() - startedAt;
    if (html === null) throw tooMuch();
    remember(key, html);
    return html;
  };

  return {
    of: ({ id, version, updatedAt, content }, allowance) => {
      // The key contains the time as well as the version, because after a restore from a backup an entry may get the same version again
      // with other content.
      const key = `${id}:${version}:${updatedAt.getTime()}`;
      return find(key) ?? make(key, content, allowance);
    },
  };
};
