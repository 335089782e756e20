import highlighter from 'highlight.js';

/** So many characters of code are coloured in one text: some grammars take their time. */
export const HIGHLIGHTED_MAX = 100_000;

/** Code with its parts in `span`s of the classes `hljs-…`, escaped; null for a language that is not known. */
export const highlighted = (code: string, language: string): string | null =>
  highlighter.getLanguage(language) === undefined ? null : highlighter.highlight(code, { language, ignoreIllegals: true }).value;
