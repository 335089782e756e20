import { useLayoutEffect, useMemo, type RefObject } from 'react';
import { ID_PREFIX, partOf } from '../../design/parts.js';

/** A heading of a text, by which one gets to its part. */
export interface Heading {
  readonly id: string;
  readonly text: string;
  /** 1 for the highest that the text has. */
  readonly depth: number;
}

const HEADING = /<h([1-6])(?: id="([^"]*)")?[^>]*>(.*?)<\/h\1>/gs;
/** What the server escapes. */
const ESCAPED: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

const plain = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(?:amp|lt|gt|quot);/g, (escape) => ESCAPED[escape] ?? escape)
    .trim();

/** The headings of a text of the server, in their order. */
export const headingsIn = (html: string): readonly Heading[] => {
  const found = Array.from(html.matchAll(HEADING), ([, level, id, inner = ''], index) => ({
    level: Number(level),
    // One that was written in HTML may have none.
    id: plain(id ?? `${ID_PREFIX}part-${index + 1}`),
    text: plain(inner),
  }));
  const highest = Math.min(...found.map(({ level }) => level));
  return found.map(({ level, id, text }) => ({ id, text, depth: level - highest + 1 }));
};

/** The headings of a text that is shown. The part that the address names is shown, now and when it names another. */
export const useContents = (place: RefObject<HTMLElement | null>, html: string): readonly Heading[] => {
  const headings = useMemo(() => headingsIn(html), [html]);
  useLayoutEffect(() => {
    const { current } = place;
    if (!current) return;
    const elements = [...current.querySelectorAll<HTMLElement>('h2, h3, h4, h5, h6')];
    for (const [index, { id }] of headings.entries()) {
      const element = elements[index];
      if (element) Object.assign(element, { id, tabIndex: -1 });
    }
    const show = (): void => partOf(current, location.hash)?.scrollIntoView();
    show();
    addEventListener('hashchange', show);
    return () => removeEventListener('hashchange', show);
  }, [place, headings]);
  return headings;
};
