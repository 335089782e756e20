import type { GraphQLError } from 'graphql';
import { Prisma, type User } from '../../db/generated/prisma/client.js';
import { coded } from '../../errors.js';

/*
 * A suspended account is closed to its user: whoever proves to be them is told so, with the reason, and gets in again when it is over. What they have
 * written stays. Their sessions stay too, so that nobody has to sign in again after a suspension that was a mistake.
 */

/** Since when, until when and why an account is closed. */
export interface Suspension {
  readonly at: Date;
  /** Null where it does not end by itself. */
  readonly until: Date | null;
  readonly reason: string | null;
}

/** The same as a JSON object of a statement. */
export type StoredSuspension = Omit<Suspension, 'at' | 'until'> & { readonly at: string; readonly until: string | null };

/** The suspension of a user, an alias in a statement, that holds at a time, as a JSON object; null where there is none. */
export const suspensionOf = (user: Prisma.Sql, now: Date): Prisma.Sql => Prisma.sql`
  CASE WHEN ${user}.suspended_at IS NOT NULL AND coalesce(${user}.suspended_until > ${now}, true)
    THEN json_build_object('at', ${user}.suspended_at, 'until', ${user}.suspended_until, 'reason', ${user}.suspension_reason) END`;

/** The suspension of a user that holds at a time. */
export const suspensionAt = (
  { suspendedAt, suspendedUntil, suspensionReason }: Pick<User, 'suspendedAt' | 'suspendedUntil' | 'suspensionReason'>,
  now: number,
): Suspension | null =>
  suspendedAt === null || (suspendedUntil !== null && suspendedUntil.getTime() <= now)
    ? null
    : { at: suspendedAt, until: suspendedUntil, reason: suspensionReason };

/** The error that whoever signs in to a suspended account is told. */
export const locked = ({ until, reason }: Pick<StoredSuspension | Suspension, 'until' | 'reason'>): GraphQLError => {
  const end = until === null ? null : new Date(until).toISOString();
  return coded('LOCKED', end === null ? 'The account is suspended.' : `The account is suspended until ${end}.`, { until: end, reason });
};
