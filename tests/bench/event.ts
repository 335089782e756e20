/** How the bodies of the messages that a benchmark writes begin: with their number, which tells the client which one it was. */
export const bodyOf = (ordinal: number): string =>
  `#${String(ordinal).padStart(DIGITS, '0')} Plants turn light into sugar; what do they do at night?`;

const DIGITS = 8;
const MARK = Buffer.from('"body":"#');

/** The number in an encoded message; -1 where there is none. */
export const ordinalIn = (bytes: Buffer, start: number, end: number): number => {
  const found = bytes.indexOf(MARK, start);
  if (found < 0 || found >= end) return -1;
  let ordinal = 0;
  for (let index = 0; index < DIGITS; index += 1) ordinal = ordinal * 10 + ((bytes[found + MARK.length + index] ?? 0x30) - 0x30);
  return ordinal;
};

/** The selection that every GraphQL contender is asked for. */
export const SELECTION = '{ cursor message { id body createdAt author { id username } } }';
