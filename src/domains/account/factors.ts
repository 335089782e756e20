import { Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { NO_ID } from '../../db/uuid.js';

/** What somebody has to sign in with beside the password. */
export interface Factors {
  readonly totp: boolean;
  readonly passkeys: number;
  /** Codes that have not been used. */
  readonly recoveryCodes: number;
}

/** Whether a user, by the SQL of their id, has a second factor. */
export const hasFactor = (userId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(EXISTS (SELECT FROM totp WHERE totp.user_id = ${userId} AND totp.confirmed_at IS NOT NULL)
    OR EXISTS (SELECT FROM passkey WHERE passkey.user_id = ${userId}))`;

/** What a user has; of nobody, nothing. */
export const factorsOf = async (client: Pick<Tx, '$queryRaw'>, userId: string | null): Promise<Factors> => {
  const id = userId ?? NO_ID;
  const [found] = await client.$queryRaw<Factors[]>`
    SELECT EXISTS (SELECT FROM totp WHERE user_id = ${id}::uuid AND confirmed_at IS NOT NULL) AS totp,
      (SELECT count(*)::int FROM passkey WHERE user_id = ${id}::uuid) AS passkeys,
      (SELECT count(*)::int FROM recovery_code WHERE user_id = ${id}::uuid AND used_at IS NULL) AS "recoveryCodes"`;
  return found ?? { totp: false, passkeys: 0, recoveryCodes: 0 };
};

export const isOn = ({ totp, passkeys }: Factors): boolean => totp || passkeys > 0;
