import { randomBytes } from 'node:crypto';

/** A uuid as rows have it, in lower case: the source of a regular expression. */
export const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

const WHOLE_UUID = new RegExp(`^${UUID}$`);

export const isUuid = (text: string): boolean => WHOLE_UUID.test(text);

/**
 * A version 7 UUID (RFC 9562), as Prisma gives to rows that it writes; for those that raw SQL writes.
 * @param now milliseconds since the epoch: ids grow with it, so that new rows lie beside each other in an index
 */
export const uuid7 = (now: number): string => {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
