import { createHmac, randomBytes } from 'node:crypto';
import { randomSecretDigest } from '../../access/secret-digest.js';

/*
 * A refresh token is two secrets in base64url: the first names the family, that is the session, and never changes; the second is replaced at each
 * exchange. The server keeps digests of them alone. A token whose first half is known and whose second half is not the present one is an old token
 * of that family, however old it is, so no list of all tokens is needed to know one that comes back (RFC 9700, 4.14.2).
 *
 * Tokens of release 0.2 are one secret. At their first exchange they get a family.
 */

/** 32 bytes in base64url. */
const HALF = 43;

/** A refresh token as the server looks for it. */
export interface RefreshTokenDigests {
  readonly family: Bytes;
  readonly whole: Bytes;
}
type Bytes = Uint8Array<ArrayBuffer>;

export const digestsOf = (refreshToken: string): RefreshTokenDigests => ({
  family: randomSecretDigest(refreshToken.slice(0, HALF)),
  whole: randomSecretDigest(refreshToken),
});

/** The first token of a new family. */
export const newRefreshToken = (): string => randomBytes(32).toString('base64url') + randomBytes(32).toString('base64url');

/** The secret of a session from which its next tokens are made. */
export const newRotationSecret = (): Bytes => new Uint8Array(randomBytes(32));

/**
 * The token that replaces this one. It is always the same, so two tabs that exchange one token at the same moment get the same next one, and so does
 * a client whose answer was lost. It cannot be told from the token alone, for it depends on a secret of the session that never leaves the server.
 * @param known whether the first half of the token is the family of the session, else it gets one
 */
export const nextRefreshToken = (refreshToken: string, known: boolean, rotationSecret: Uint8Array): string => {
  const derive = (purpose: string): string => createHmac('sha256', rotationSecret).update(`${purpose}:${refreshToken}`).digest('base64url');
  return (known ? refreshToken.slice(0, HALF) : derive('family')) + derive('next');
};
