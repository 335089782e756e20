import { analyse } from 'chardet';

/** A text, and what its bytes were taken for. */
export interface DecodedText {
  /** In NFC, without a byte order mark. */
  readonly text: string;
  /** By its name in the WHATWG encoding standard, such as `utf-8`. */
  readonly encoding: string;
  /** Whether nothing but the frequency of its letters speaks for it, or some of its bytes are none of it. */
  readonly isGuessed: boolean;
}

/** Controls that are in no text: what has them was not in this encoding, or is a program. */
const CONTROLS = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/;

/** Byte order marks, the beginnings of texts. */
const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** What Western texts are in when they are too short to tell. */
const FALLBACK = 'windows-1252';
/** From which confidence on a guess is taken, in per cent. */
const LEAST_CONFIDENCE = 20;
/** How much is looked at to guess, in bytes. */
const SAMPLE = 65_536;

/** The text of bytes in an encoding; null when they are none, or there is no such encoding. */
const decodeAs = (bytes: Uint8Array, encoding: string): string | null => {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes).normalize('NFC');
  } catch {
    return null;
  }
};

/** Which half of each character of UTF-16 is zero in texts of Latin letters, and in blanks and line ends of all others; null for other bytes. */
const byZeros = (bytes: Uint8Array): string | null => {
  if (bytes.length % 2 !== 0) return null;
  let [even, odd] = [0, 0];
  for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, at + 1)) {
    if (at % 2 === 0) even += 1;
    else odd += 1;
  }
  if (even === odd || (even > 0 && odd > 0)) return null;
  return even > 0 ? 'utf-16be' : 'utf-16le';
};

/** What the letters speak for, the likeliest first. */
const guesses = (bytes: Uint8Array): readonly string[] => [
  ...analyse(bytes.subarray(0, SAMPLE))
    .filter(({ confidence, name }) => confidence >= LEAST_CONFIDENCE && !/^utf|^ascii$/i.test(name))
    .map(({ name }) => name),
  FALLBACK,
];

const BROKEN = '\ufffd';

/** A text in UTF-8 of which some bytes are broken, which become U+FFFD; null where most are, as in texts of another encoding. */
const repaired = (bytes: Uint8Array): string | null => {
  const text = new TextDecoder().decode(bytes);
  const broken = text.split(BROKEN).length - 1;
  const whole = (text.match(/[^\u0000-\u007f\ufffd]/gu) ?? []).length;
  return whole > broken && !CONTROLS.test(text) ? text.normalize('NFC') : null;
};

/**
 * Decodes a text whose encoding nobody tells: by its byte order mark, as UTF-16 by the zeros in it, as UTF-8 when it is valid, else as what its letters
 * speak for.
 */
export const decodeText = (bytes: Uint8Array): DecodedText | null => {
  const [marked] = MARKS.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte)) ?? [];
  for (const encoding of [marked, marked === undefined ? byZeros(bytes) : null, 'utf-8']) {
    const text = encoding === null || encoding === undefined ? null : decodeAs(bytes, encoding);
    if (text !== null) return { text, encoding: encoding ?? '', isGuessed: false };
  }
  const mostly = repaired(bytes);
  if (mostly !== null) return { text: mostly, encoding: 'utf-8', isGuessed: true };
  for (const encoding of guesses(bytes)) {
    const text = decodeAs(bytes, encoding);
    if (text !== null && !CONTROLS.test(text)) return { text, encoding: new TextDecoder(encoding).encoding, isGuessed: true };
  }
  return null;
};
