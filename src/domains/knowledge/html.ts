import type { Entry } from '../../db/generated/prisma/client.js';
import { renderMarkdown } from './markdown.js';

/** Characters of HTML to keep. An entry of some pages takes a few milliseconds to render, and a list may show a hundred. */
const MAX_KEPT = 8_000_000;

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

/** The sanitised HTML of an entry's content, rendered once for each of its versions as long as it is asked for. */
export const contentHtml = (entry: Pick<Entry, 'id' | 'version' | 'updatedAt' | 'content'>): string => {
  // The time is there for a database that goes back to a backup and comes to the same version again.
  const key = `${entry.id}:${entry.version}:${entry.updatedAt.getTime()}`;
  const known = kept.get(key);
  if (known !== undefined) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const html = renderMarkdown(entry.content);
  remember(key, html);
  return html;
};
