import type { EntryHtml } from '../../context.js';
import { createRenderer } from './markdown.js';

/**
 * The size of the cache in characters of HTML. Rendering an entry of some pages takes a few milliseconds, and a list may show a hundred
 * entries.
 */
const MAX_KEPT = 8_000_000;

/** Creates the cache of rendered entries. The least recently used are evicted first. */
export const createEntryHtml = (): EntryHtml => {
  const render = createRenderer();
  /** Ordered by use, the least recently used first. */
  const kept = new Map<string, string>();
  let keptCharacters = 0;

  const remember = (key: string, html: string): void => {
    kept.set(key, html);
    keptCharacters += html.length;
    for (const [oldest, { length }] of kept) {
      if (keptCharacters <= MAX_KEPT) break;
      kept.delete(oldest);
      keptCharacters -= length;
    }
  };

  return {
    of: ({ id, version, updatedAt, content }) => {
      // The key contains the time as well as the version, because after a restore from a backup an entry may get the same version again
      // with other content.
      const key = `${id}:${version}:${updatedAt.getTime()}`;
      const known = kept.get(key);
      if (known !== undefined) {
        kept.delete(key);
        kept.set(key, known);
        return known;
      }
      const html = render(content);
      remember(key, html);
      return html;
    },
  };
};
