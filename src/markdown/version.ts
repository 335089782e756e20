/**
 * The version of what is made of a text. HTML that is stored was made by one of them, and is made again when this is another: so it grows with every change of
 * the rules, the sanitising or the libraries by which the HTML of any text becomes another. `tests/markdown/version.test.ts` notices.
 */
export const RENDERER = 1;
