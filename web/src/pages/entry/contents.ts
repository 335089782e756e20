import { useLayoutEffect, useMemo, type RefObject } from 'react';

/** A heading of a text, by which one gets to its part. */
export interface Heading {
  readonly id: string;
  readonly text: string;
  /** 1 for the highest that the text has. */
  readonly depth: number;
}

/** How a part is called in an address. */
const idOf = (text: string, taken: ReadonlySet<string>): string => {
  const words = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  const id = `part-${words}`;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? id : `${id}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
};

const HEADING = /<h([1-6])[^>]*>(.*?)<\/h\1>/gs;
/** What the server escapes. */
const ESCAPED: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

const plain = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(?:amp|lt|gt|quot);/g, (escape) => ESCAPED[escape] ?? escape)
    .trim();

/** The headings of a text of the server, in their order. */
export const headingsIn = (html: string): readonly Heading[] => {
  const found = Array.from(html.matchAll(HEADING), ([, level, inner = '']) => ({ level: Number(level), text: plain(inner) }));
  const highest = Math.min(...found.map(({ level }) => level));
  const taken = new Set<string>();
  return found.map(({ level, text }) => {
    const id = idOf(text, taken);
    taken.add(id);
    return { id, text, depth: level - highest + 1 };
  });
};

/** The headings of a text that is shown. They get their ids, which the server leaves out for safety, and the one that the address names is shown. */
export const useContents = (place: RefObject<HTMLElement | null>, html: string): readonly Heading[] => {
  const headings = useMemo(() => headingsIn(html), [html]);
  useLayoutEffect(() => {
    const elements = [...(place.current?.querySelectorAll<HTMLElement>('h2, h3, h4, h5, h6') ?? [])];
    for (const [index, { id }] of headings.entries()) {
      const element = elements[index];
      if (!element) continue;
      element.id = id;
      element.tabIndex = -1;
      if (new URL(`#${id}`, location.href).hash === location.hash) element.scrollIntoView();
    }
  }, [place, headings]);
  return headings;
};
