import { useEffect, type RefObject } from 'react';
import { useLocation, useSearch } from 'wouter';
import { tokens } from '../api/session.js';
import { tabStorage } from '../api/storage.js';

/** How long a place is waited for since something above it has come, in milliseconds, and how long in all. */
const PATIENCE_MS = 3_000;
const MOST_PATIENCE_MS = 30_000;

const places = new Map<string, number>();
/** Whether the address was come back to: by the browser's buttons, or by loading the page again. */
let isReturn = true;
addEventListener('popstate', () => (isReturn = true));
// wouter tells of its own navigation.
for (const event of ['pushState', 'replaceState']) addEventListener(event, () => (isReturn = false));

/** Whether the present address was come back to: a list then shows what it had, so that the place in it is there. */
export const isComingBack = (): boolean => isReturn;

const KEY = 'lyceum:scroll';
try {
  for (const [key, top] of JSON.parse(tabStorage.getItem(KEY) ?? '[]') as [string, number][]) places.set(key, top);
} catch {
  // Nothing was kept.
}
addEventListener('pagehide', () => tabStorage.setItem(KEY, JSON.stringify([...places].slice(-100))));
// Addresses tell what somebody has looked for.
tokens.onOwner(() => {
  places.clear();
  tabStorage.removeItem(KEY);
});

/** What somebody does who goes elsewhere meanwhile. */
const STOPPING = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

/**
 * Scrolls an element to where it was when an address is come back to, and to its start when a new one is opened.
 * @param name of the element, when a page has several that scroll
 */
export const useKeptScroll = (element: RefObject<HTMLElement | null>, name: string): void => {
  const [path] = useLocation();
  const search = useSearch();
  const key = `${name} ${path}?${search}`;
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const wanted = isReturn ? (places.get(key) ?? 0) : 0;
    const begun = performance.now();
    let [grownAt, height] = [begun, 0];
    let frame = 0;
    let settled = false;
    const restore = (): void => {
      if (settled) return;
      current.scrollTop = wanted;
      const now = performance.now();
      if (current.scrollHeight > height) grownAt = now;
      height = current.scrollHeight;
      settled = Math.abs(current.scrollTop - wanted) <= 1 || now > Math.min(grownAt + PATIENCE_MS, begun + MOST_PATIENCE_MS);
      if (!settled) frame = requestAnimationFrame(restore);
    };
    restore();
    const stop = (): void => void (settled = true);
    const note = (): void => {
      if (settled) places.set(key, current.scrollTop);
    };
    current.addEventListener('scroll', note, { passive: true });
    // Whoever scrolls meanwhile knows better.
    for (const event of STOPPING) addEventListener(event, stop, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      current.removeEventListener('scroll', note);
      for (const event of STOPPING) removeEventListener(event, stop);
    };
  }, [element, key]);
};
