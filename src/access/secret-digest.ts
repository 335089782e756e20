import { createHash, createHmac } from 'node:crypto';

/** A digest of a secret, such as a passcode, that tells two of them apart. Only a process that has the key can check a guess against it. */
export type SecretDigest = (secret: string) => string;

/** Creates the digest. @param key known to the processes of this server alone, and to all of them */
export const createSecretDigest =
  (key: Uint8Array): SecretDigest =>
  (secret) =>
    createHmac('sha256', key).update(secret).digest('hex');

/**
 * The digest of a secret that nobody chose, such as a token of 128 random bits or more. Plain SHA-256 suffices for it, needs no key, and outlives a change
 * of keys.
 */
export const randomSecretDigest = (secret: string): Uint8Array<ArrayBuffer> => new Uint8Array(createHash('sha256').update(secret).digest());
