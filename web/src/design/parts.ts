/** What the server puts before the ids of a text, so that none is one of the page. */
export const ID_PREFIX = 'user-content-';

const decoded = (fragment: string): string => {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
};

/** The anchor that the server makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/\ufe0f|[^\p{L}\p{M}\p{N}\p{Pc}\s-]/gu, '')
    .replaceAll(/\s/g, '-');

/** The part of a text that an address names: by its id, with the prefix and without, or by its heading. */
export const partOf = (text: Element, hash: string): HTMLElement | null => {
  const name = decoded(hash.replace(/^#/, ''));
  if (name === '') return null;
  for (const id of [name, ID_PREFIX + name, ID_PREFIX + anchorOf(name)]) {
    const part = text.querySelector<HTMLElement>(`#${CSS.escape(id)}`);
    if (part !== null) return part;
  }
  return null;
};
