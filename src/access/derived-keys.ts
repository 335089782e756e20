import { hkdfSync } from 'node:crypto';
import type { Database } from '../db/database.js';
import { encryptedColumn } from './encrypted-column.js';
import type { MasterKey } from './master-key.js';
import type { SigningKeys } from './signing-keys.js';

/** Derives a symmetric key of 32 bytes. It is the same in every process on the database, and tells nothing of a key with another label. */
export type DeriveKey = (label: string) => Uint8Array;

const PURPOSE = 'derived keys';
/** There is one row. */
const ID = '00000000-0000-7000-8000-000000000001';

/**
 * Opens the secret from which keys are derived. It outlives every other key, since digests that were made with what is derived from it stand in the
 * database, in mails that are under way and on devices. It begins as the first signing key, from which servers of 0.2 derived their keys.
 */
export const openDerivedKeys = async (db: Database, masterKey: MasterKey, signingKeys: SigningKeys): Promise<DeriveKey> => {
  const load = async (): Promise<string | null> => {
    const row = await db.prisma.derivationSecret.findUnique({ where: { id: ID } });
    return row === null ? null : await masterKey.decrypt(PURPOSE, ID, row.secret);
  };
  const make = async (): Promise<string | null> => {
    const secret = signingKeys.current().privateKey.export({ type: 'pkcs8', format: 'der' });
    const encrypted = await masterKey.encrypt(PURPOSE, ID, secret.toString('base64'));
    // Of several processes that start together, all use that of the first.
    await db.prisma.derivationSecret.createMany({ data: [{ id: ID, secret: encrypted }], skipDuplicates: true });
    return await load();
  };
  const text = (await load()) ?? (await make());
  if (text === null) throw new Error('MASTER_KEY: the secret of the database from which keys are derived is under another one.');
  const secret = Buffer.from(text, 'base64');
  return (label) => new Uint8Array(hkdfSync('sha256', secret, '', label, 32));
};

/** The secret as a row that is encrypted anew when the master key is replaced. */
export const DERIVATION_SECRET_ROWS = encryptedColumn(PURPOSE, (prisma) => prisma.derivationSecret, 'id', 'secret');
