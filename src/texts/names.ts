/*
 * When two names are one. What people type is the same in many forms: `é` as one character or as two, in capitals, in the full width of East
 * Asian keyboards. Names are stored as they were written, in NFC, and compared by their keys.
 */

/** Forms of the width that a letter has in another place as well. */
const WIDTH_FORMS = /[\uff01-\uffee]/g;
/** What shows nothing, or only says how the character before it is drawn. */
const INVISIBLE = /[\u00ad\u200b\u2060\ufeff\ufe0e\ufe0f]/g;
/** The `i` of Turkish without a dot is a letter of its own, though its capital is that of `i`. */
const DOTLESS = 'ı';
/** What lower case makes of `İ`: the dot above an `i` shows nothing. */
const DOTTED = /i\u0307/g;

/** A text in lower case, for showing: words in Greek end in `ς`, and `ß` stays. */
export const lowerCase = (text: string): string => text.normalize('NFC').toLowerCase().replace(DOTTED, 'i').normalize('NFC');

/** Full case folding: `STRASSE`, `Straße` and `STRAẞE` are one, as are `ΣΊΣΥΦΟΣ` and `σίσυφος`, `ﬁ` and `fi`, `İ` and `i`. */
const foldCase = (text: string): string =>
  text
    .split(DOTLESS)
    // Lower case first: `ẞ` has no other capital, and `ß` has.
    .map((part) => part.toLowerCase().toUpperCase().toLowerCase())
    .join(DOTLESS)
    .replace(DOTTED, 'i')
    .replaceAll('ς', 'σ');

/**
 * The key of a name: two names with the same key are one. Case, the form of Unicode, the width of characters, the kind and number of blanks and what
 * shows nothing make no difference; accents and punctuation do, so `C#` and `C`, `résumé` and `resume` are two.
 */
export const nameKey = (name: string): string =>
  foldCase(
    name
      .normalize('NFC')
      .replace(WIDTH_FORMS, (form) => form.normalize('NFKC'))
      .replace(INVISIBLE, '')
      .normalize('NFC'),
  )
    .replace(/\s+/g, ' ')
    .trim()
    .normalize('NFC');

/** The first of all names that are one. */
export const withoutTwins = (names: readonly string[]): string[] => {
  const byKey = new Map<string, string>();
  for (const name of names) {
    const key = nameKey(name);
    if (!byKey.has(key)) byKey.set(key, name);
  }
  return [...byKey.values()];
};
