import { Prisma } from './generated/prisma/client.js';

/*
 * Throttles the publishing of a value that changes often: the first change is published at once, further changes at most once a second, and
 * the last one always. A timestamp of the row holds the state: in the past, it is when the value was last published; in the future, it is
 * when a job that is already enqueued will publish it. All times are the database's.
 */

/**
 * `now`: publish in this transaction. `soon`: enqueue a job that publishes. `due`: a job is enqueued already and will publish this change
 * too.
 */
export type ThrottleDecision = 'now' | 'soon' | 'due';

/** The shortest interval between two publications. */
export const THROTTLE_INTERVAL = Prisma.sql`interval '1 second'`;

/**
 * When to publish a change, as a {@link ThrottleDecision}. Read it while holding the row's lock. `-infinity` stands for "never published". A time
 * too far in the future for any job comes from before the clock was set back, and is treated as past.
 */
export const throttleDecision = (publishedAt: Prisma.Sql): Prisma.Sql => Prisma.sql`
  CASE
    WHEN ${publishedAt} <= clock_timestamp() - ${THROTTLE_INTERVAL} OR ${publishedAt} > clock_timestamp() + ${THROTTLE_INTERVAL} THEN 'now'
    WHEN ${publishedAt} > clock_timestamp() THEN 'due'
    ELSE 'soon'
  END`;
