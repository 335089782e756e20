import { createHash, randomBytes } from 'node:crypto';
import { Secret } from 'otpauth';
import type { Tx } from '../../db/transact.js';

/** How many codes somebody is given at a time. */
export const RECOVERY_CODES = 10;
/** 80 bits, which nobody can try, so that a plain digest keeps them. */
const CODE_BYTES = 10;
/** The same in base32. */
const CODE = /^[a-z2-7]{16}$/;

type Bytes = Uint8Array<ArrayBuffer>;

/** The digest of a code as it was typed, without hyphens and blanks in lower case; null for what is none. */
export const recoveryCodeHash = (userId: string, typed: string): Bytes | null =>
  CODE.test(typed) ? new Uint8Array(createHash('sha256').update(`${userId} ${typed}`).digest()) : null;

const newCode = (): string => new Secret({ buffer: new Uint8Array(randomBytes(CODE_BYTES)).buffer }).base32.toLowerCase();

/** Gives a user other codes; those before are good for nothing. @returns them as they are shown, once */
export const replaceRecoveryCodes = async (tx: Tx, userId: string): Promise<readonly string[]> => {
  const codes = Array.from({ length: RECOVERY_CODES }, newCode);
  await tx.recoveryCode.deleteMany({ where: { userId } });
  await tx.recoveryCode.createMany({
    data: codes.flatMap((code) => {
      const codeHash = recoveryCodeHash(userId, code);
      return codeHash === null ? [] : [{ userId, codeHash }];
    }),
  });
  return codes.map((code) => code.replace(/.{4}(?=.)/g, '$&-'));
};
