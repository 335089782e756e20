import { Prisma } from './generated/prisma/client.js';

/*
 * What changes often is told at once the first time, further changes at most once a second, the last state always. A time of the row's own
 * paces it: in the past it says when it was last told; in the future, when a job that waits already will tell. All times are the
 * database's.
 */

/** `due`: a job will tell, of this too. */
export type Telling = 'now' | 'soon' | 'due';

/** The shortest time between two tellings. */
export const THROTTLE_INTERVAL = Prisma.sql`interval '1 second'`;

/**
 * When a change is to be told, as a {@link Telling}. Read it under the lock of the row; `-infinity` is a time for what was never told.
 * A time that no job could have been asked for is one from before the clock was set back.
 */
export const telling = (toldAt: Prisma.Sql): Prisma.Sql => Prisma.sql`
  CASE
    WHEN ${toldAt} <= clock_timestamp() - ${THROTTLE_INTERVAL} OR ${toldAt} > clock_timestamp() + ${THROTTLE_INTERVAL} THEN 'now'
    WHEN ${toldAt} > clock_timestamp() THEN 'due'
    ELSE 'soon'
  END`;
