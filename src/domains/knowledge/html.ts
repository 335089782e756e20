import type { EntryHtml } from '../../context.js';
import { createRenderer } from './markdown.js';

/** Characters of HTML to keep. An entry of some pages takes a few milliseconds to render, and a list may show a hundred. */
const MAX_KEPT = 8_000_000;

/** Keeps what it has rendered up to a size; what was asked for longest ago is forgotten first. */
export const createEntryHtml = (): EntryHtml => {
  const render = createRenderer();
  /** The least recently used first. */
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
      // The time is there for a database that goes back to a backup and comes to the same version again.
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
