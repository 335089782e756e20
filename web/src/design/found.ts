/** Letters that cannot be taken apart into one and its accent. */
const OTHERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ς: 'σ' },
};

/** A letter as the server looks for it: without accents, case and forms of width. */
const folded = (letter: string): string => {
  const plain = letter
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
  return OTHERS[plain] ?? plain;
};

/** Where words that were looked for stand first in a text, as the server finds them; null when they do not. */
export const findWords = (text: string, words: string): { readonly start: number; readonly end: number } | null => {
  const sought = [...words].map(folded).join('');
  if (sought === '') return null;
  let key = '';
  /** By each place in the key, where its letter begins in the text. */
  const begins: number[] = [];
  let at = 0;
  for (const letter of text) {
    const part = folded(letter);
    for (let index = 0; index < part.length; index += 1) begins.push(at);
    key += part;
    at += letter.length;
  }
  const place = key.indexOf(sought);
  if (place < 0) return null;
  const last = begins[place + sought.length - 1] ?? 0;
  // The whole of the last letter, with its accents.
  const end = begins.find((begin) => begin > last) ?? text.length;
  return { start: begins[place] ?? 0, end };
};
