import { randomBytes } from 'node:crypto';

/** The source of a regular expression for a UUID in lower case. */
export const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

const WHOLE_UUID = new RegExp(`^${UUID}$`);

export const isUuid = (text: string): boolean => WHOLE_UUID.test(text);

/** Nobody's and nothing's: it comes before all others, and what is looked up for it takes as long as for any. */
export const NO_ID = '00000000-0000-0000-0000-000000000000';

/**
 * A version 7 UUID (RFC 9562), as Prisma generates them, for rows that raw SQL inserts.
 * @param now milliseconds since the epoch; ids grow with it, so new rows are neighbours in an index
 */
export const uuid7 = (now: number): string => {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
