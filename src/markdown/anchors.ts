/** Stands before every id in the HTML of a text, so that none of them is one of the page around it. */
export const ID_PREFIX = 'user-content-';

/** The anchor of a heading, as GitHub makes it of its text. What is left of an emoji (U+FE0F) is no letter. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/\ufe0f|[^\p{L}\p{M}\p{N}\p{Pc}\s-]/gu, '')
    .replace(/\s/g, '-');

/** Names of headings in one text: a second one of the same name gets a number. */
export const createAnchors = (): { readonly taken: ReadonlySet<string>; readonly next: (name: string) => string } => {
  const taken = new Set<string>();
  const last = new Map<string, number>();
  return {
    taken,
    next: (name) => {
      let number = last.get(name) ?? 0;
      let anchor = number === 0 ? name : `${name}-${number}`;
      while (taken.has(anchor)) anchor = `${name}-${(number += 1)}`;
      last.set(name, number);
      taken.add(anchor);
      return anchor;
    },
  };
};

const decoded = (fragment: string): string => {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
};

/** Where a link within a text leads: `part` and `My%20Part` to the heading of that name. @param fragment without `#` */
export const targetOf = (fragment: string, taken: ReadonlySet<string>): string => {
  const name = decoded(fragment);
  const anchor = [name, anchorOf(name)].find((each) => taken.has(each)) ?? name;
  return anchor.startsWith(ID_PREFIX) ? anchor : `${ID_PREFIX}${anchor}`;
};
