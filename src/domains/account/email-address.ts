import { domainToASCII } from 'node:url';

/** RFC 5321 allows 254 octets for an address and 64 for what stands before the `@`. */
const MAX_ADDRESS = 254;
const MAX_LOCAL = 64;

/** Words with dots between them (RFC 5322's dot-atom), in any script (RFC 6531). Quoted ones, which hardly any server takes, are left out. */
const LOCAL = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN = /^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)+$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A mail address, as it was written and as it is compared. */
export interface EmailAddress {
  /** In the composed form of Unicode (NFC), else as it was given. */
  readonly written: string;
  /** In lower case, with the domain as DNS has it: `x@xn--bcher-kva.example`. */
  readonly key: string;
  /** The domain of the key. */
  readonly domain: string;
}

/** Reads a mail address; null for what is none, or has no domain of at least two labels. */
export const readEmailAddress = (given: string): EmailAddress | null => {
  const written = given.trim().normalize('NFC');
  const at = written.lastIndexOf('@');
  const local = written.slice(0, Math.max(at, 0));
  const named = written.slice(at + 1);
  if (written.length > MAX_ADDRESS || !LOCAL.test(local) || !DOMAIN.test(named)) return null;
  const domain = domainToASCII(named);
  const labels = domain.split('.');
  // A last label of digits would be an IP address.
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)) || /^\d+$/.test(labels.at(-1) ?? '')) return null;
  const key = `${local.toLowerCase()}@${domain}`;
  return Buffer.byteLength(local) > MAX_LOCAL || Buffer.byteLength(key) > MAX_ADDRESS ? null : { written, key, domain };
};

/** The same for an address that has been validated. @throws when it is none */
export const emailAddressOf = (valid: string): EmailAddress => {
  const address = readEmailAddress(valid);
  if (address === null) throw new Error('The address has not been validated.');
  return address;
};

/** The form of an address by which it is found; null for what is none. */
export const emailKey = (given: string): string | null => readEmailAddress(given)?.key ?? null;
