import { createHash } from 'node:crypto';

/** The characters of a tag: those of a hash of 160 bits. */
const TAG_LENGTH = 27;

const hashOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('base64url').slice(0, TAG_LENGTH);

/** The tag of a body that is always sent in the same bytes. */
export const strongTag = (content: Buffer): string => `"${hashOf(content)}"`;

/** The tag of a body that is sent in several encodings. */
export const weakTag = (content: string | Buffer): string => `W/"${hashOf(content)}"`;

const OPAQUE_TAG = /"[^"]*"/g;

/** Whether a client that sent this If-None-Match has the body already; tags are compared weakly (RFC 9110, 13.1.2). */
export const isKnown = (ifNoneMatch: string | undefined, tag: string): boolean => {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return [...ifNoneMatch.matchAll(OPAQUE_TAG)].map(([found]) => found).includes(tag.replace(/^W\//, ''));
};
