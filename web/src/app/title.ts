import { useEffect } from 'react';

let title = 'Lyceum';
let waiting = 0;

const PLAIN_ICON = '/icon.svg';

/** The icon of the tab with a number on it. */
const iconOf = (text: string): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#3b5bdb"/><text x="16" y="23" text-anchor="middle" font-family="system-ui,sans-serif" font-weight="700" font-size="${text.length > 2 ? 15 : 21}" fill="#fff">${text}</text></svg>`,
  )}`;

const show = (): void => {
  const many = waiting > 99 ? '99+' : String(waiting);
  document.title = waiting > 0 ? `(${many}) ${title}` : title;
  const icon = waiting > 0 ? iconOf(many) : PLAIN_ICON;
  const link = document.querySelector('link[rel=icon]');
  if (link?.getAttribute('href') !== icon) link?.setAttribute('href', icon);
};

/** The name of the page in the title of the tab. */
export const useTitle = (name: string): void => {
  useEffect(() => {
    title = name === '' ? 'Lyceum' : `${name} · Lyceum`;
    show();
  }, [name]);
};

/** What is read as it comes, in the place that one looks at, is not counted for a moment: browsers take long to draw another icon. */
const CALM_MS = 400;

/** How many things wait for the viewer, before the title of the tab and on its icon. */
export const useWaiting = (count: number): void => {
  useEffect(() => {
    const become = (): void => {
      waiting = count;
      show();
    };
    if (count <= waiting) {
      become();
      return;
    }
    const later = setTimeout(become, CALM_MS);
    return () => clearTimeout(later);
  }, [count]);
};
