import { createHmac } from 'node:crypto';

/** A digest of a secret, such as a passcode, that tells two of them apart. Only a process that has the key can check a guess against it. */
export type SecretDigest = (secret: string) => string;

/** Creates the digest. @param key known to the processes of this server alone, and to all of them */
export const createSecretDigest =
  (key: Uint8Array): SecretDigest =>
  (secret) =>
    createHmac('sha256', key).update(secret).digest('hex');
