import type { MarkdownIt } from 'markdown-it';

const WWW = '//www.';
/** A longer address is no link of itself. */
const LONGEST = 2_000;

/** Addresses that are links by themselves: those with a scheme, those that begin with `www.`, and of mail. A name such as `readme.md` is none. */
export const webAddresses = ({ linkify }: MarkdownIt): void => {
  linkify.set({ fuzzyLink: false, fuzzyIP: false });
  for (const scheme of ['//', 'ftp:']) linkify.add(scheme, null);
  linkify.add('www.', {
    validate: (text, pos, self) => Math.max(0, self.testSchemaAt(`${WWW}${text.slice(pos, pos + LONGEST)}`, 'http:', 0) - WWW.length),
    normalize: (match) => {
      match.url = `http://${match.url}`;
    },
  });
};
