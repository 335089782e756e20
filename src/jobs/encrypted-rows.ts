import type { Services } from '../context.js';
import type { EncryptedRows } from '../access/encrypted-column.js';
import { NO_ID } from '../db/uuid.js';
import { scheduledTask, type Task } from './task.js';
import { addKey, forgetEarlierKeys } from '../access/master-key.js';

const AT_A_TIME = 500;

const ENCRYPT_AGAIN = 'keys.encryptAgain';

/** Encrypts under the present master key what is under an earlier one, and then forgets that. Asked for by {@link rotateMasterKey}, and once a day. */
export const encryptAgain = (all: readonly EncryptedRows[]): Task =>
  scheduledTask(ENCRYPT_AGAIN, '47 4 * * *', async (services) => {
    let lost = 0;
    for (const rows of all) lost += await encryptRows(services, rows);
    if (lost > 0)
      services.log.error({ lost }, 'secrets are under a master key that is not there: give it in MASTER_KEY, behind the present one');
    else await forgetEarlierKeys(services);
  });

/** @returns how many could not be read */
const encryptRows = async (
  { db, masterKey }: Pick<Services, 'db' | 'masterKey'>,
  { purpose, others, replace }: EncryptedRows,
): Promise<number> => {
  const prefix = await masterKey.prefix();
  let lost = 0;
  let found: Awaited<ReturnType<typeof others>> = [];
  for (let after = NO_ID; (found = await others(db, prefix, after, AT_A_TIME)).length > 0; after = found.at(-1)?.id ?? after) {
    for (const row of found) {
      const text = await masterKey.decrypt(purpose, row.id, row.encrypted);
      if (text === null) lost += 1;
      else await replace(db, row, await masterKey.encrypt(purpose, row.id, text));
    }
  }
  return lost;
};

/**
 * Replaces the master key that is in the database: everything is encrypted under the new one from within a minute on, and what is there by a job.
 * @throws Error where the operator has given the key, and has to give another
 */
export const rotateMasterKey = async ({ db, config }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  if (config.masterKeys.length > 0)
    throw new Error(
      'MASTER_KEY is set: add the new key behind the present one everywhere, then put it first, and take the old one away a day later.',
    );
  await db.transact(async (tx) => {
    await addKey(tx);
    tx.enqueue({ name: ENCRYPT_AGAIN }, {});
  });
};
