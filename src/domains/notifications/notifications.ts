import { Prisma } from '../../db/generated/prisma/client.js';
import { THROTTLE_INTERVAL, throttleDecision, type ThrottleDecision } from '../../db/throttle.js';
import type { Tx } from '../../db/transact.js';
import { areApart } from '../blocks/blocks.js';
import { isOnline } from '../presence/presence.js';
import { tellTask } from './jobs.js';
import { openKeyOf, type About, type Act } from './rules.js';
import { notificationLog } from './topics.js';

/*
 * A notification is a row of its user's, written in the transaction of the act. Of several their rows are locked in the order of
 * (user, open key), after the rows of the act itself and before jobs and heads: no two transactions block each other.
 *
 * `told_at` paces what is told. In the past it says when the user was last told; in the future, when a job that waits already will
 * tell. All its times are the database's.
 */

/** A notification that has changed, and when its user is to be told. */
interface Changed {
  readonly id: string;
  readonly userId: string;
  readonly decision: ThrottleDecision;
}

const THROTTLE_DECISION = Prisma.sql`${throttleDecision(Prisma.sql`told_at`)} AS decision`;

/**
 * Lets users hear of acts: never of their own, of a kind that they have switched off or of somebody whom either side has blocked; of
 * messages only while they are away. What comes together with an unread notification joins it, each actor once.
 *
 * The first act is told at once, further ones at most once a second, the last state always. One statement whatever the number of acts,
 * and a second one at most once a second for each notification.
 */
export const notify = async (tx: Tx, ...acts: readonly Act[]): Promise<void> => {
  const heard = acts.filter(({ userId, actorId }) => userId !== actorId);
  if (heard.length === 0) return;
  const changed = await tx.$queryRaw<Changed[]>`
    WITH act AS (
      SELECT *
      FROM unnest(
        ${heard.map(({ userId }) => userId)}::uuid[],
        ${heard.map(openKeyOf)}::text[],
        ${heard.map(({ actorId }) => actorId)}::uuid[],
        ${heard.map(({ kind }) => kind)}::notification_kind[],
        ${heard.map(({ subject }) => subject.type)}::text[],
        ${heard.map(({ subject }) => subject.id)}::uuid[],
        ${heard.map(({ data }) => JSON.stringify(data ?? null))}::text[]
      ) WITH ORDINALITY AS given(user_id, open_key, actor_id, kind, subject_type, subject_id, data, ordinal)
      WHERE NOT EXISTS (
          SELECT 1 FROM notification_preference preference
          WHERE preference.user_id = given.user_id AND preference.kind = given.kind AND NOT preference.enabled
        )
        AND NOT ${areApart(Prisma.sql`given.user_id`, Prisma.sql`given.actor_id`)}
        AND (given.kind <> 'MESSAGE' OR NOT ${isOnline(Prisma.sql`given.user_id`)})
    ), opened AS (
      INSERT INTO notification (id, user_id, kind, subject_type, subject_id, data, open_key, told_at)
      SELECT gen_random_uuid(), user_id, kind, subject_type, subject_id, data::jsonb, open_key, '-infinity'
      FROM (SELECT DISTINCT ON (user_id, open_key) * FROM act ORDER BY user_id, open_key, ordinal DESC) latest ORDER BY user_id, open_key
      ON CONFLICT (user_id, open_key) DO UPDATE SET data = excluded.data
      RETURNING id, user_id, open_key, ${THROTTLE_DECISION}
    ), acted AS (
      INSERT INTO notification_actor (notification_id, user_id, at)
      SELECT opened.id, act.actor_id, clock_timestamp() FROM opened JOIN act USING (user_id, open_key) WHERE act.actor_id IS NOT NULL
      GROUP BY opened.id, act.actor_id
      ON CONFLICT (notification_id, user_id) DO UPDATE SET at = excluded.at
    )
    SELECT id, user_id AS "userId", decision FROM opened`;
  await tell(tx, changed);
};

/**
 * Takes acts back: their actors leave the notifications that are still unread. One without any actors left is in no list and no count, but
 * stays, since its events lead to it, and an act that is done again comes back to it.
 */
export const withdraw = async (tx: Tx, ...acts: readonly Pick<Act, 'kind' | 'userId' | 'actorId' | 'subject'>[]): Promise<void> => {
  const heard = acts.filter(({ userId, actorId }) => userId !== actorId);
  if (heard.length === 0) return;
  const changed = await tx.$queryRaw<Changed[]>`
    WITH act AS (
      SELECT user_id, open_key, actor_id
      FROM unnest(
        ${heard.map(({ userId }) => userId)}::uuid[], ${heard.map(openKeyOf)}::text[], ${heard.map(({ actorId }) => actorId)}::uuid[]
      ) AS given(user_id, open_key, actor_id)
    ), held AS (
      SELECT notification.id, notification.user_id, notification.told_at, act.actor_id
      FROM notification JOIN act ON act.user_id = notification.user_id AND act.open_key = notification.open_key
      ORDER BY notification.user_id, notification.open_key FOR NO KEY UPDATE OF notification
    ), gone AS (
      DELETE FROM notification_actor actor USING held
      WHERE actor.notification_id = held.id AND actor.user_id = held.actor_id
      RETURNING held.id, held.user_id, held.told_at
    )
    SELECT DISTINCT ON (id) id, user_id AS "userId", ${THROTTLE_DECISION} FROM gone`;
  await tell(tx, changed);
};

/**
 * Takes back all that unread notifications tell of things that are gone, whoever did it: what leads nowhere is nothing to read. As with
 * {@link withdraw}, the rows stay for the events that lead to them. One statement whatever the number of things.
 */
export const withdrawAll = async (tx: Tx, ...things: readonly About[]): Promise<void> => {
  if (things.length === 0) return;
  const changed = await tx.$queryRaw<Changed[]>`
    WITH thing AS (
      SELECT DISTINCT user_id, open_key
      FROM unnest(${things.map(({ userId }) => userId)}::uuid[], ${things.map(openKeyOf)}::text[]) AS given(user_id, open_key)
    ), held AS (
      SELECT notification.id, notification.user_id, notification.told_at
      FROM notification JOIN thing ON thing.user_id = notification.user_id AND thing.open_key = notification.open_key
      ORDER BY notification.user_id, notification.open_key FOR NO KEY UPDATE OF notification
    ), gone AS (
      DELETE FROM notification_actor actor USING held WHERE actor.notification_id = held.id
      RETURNING held.id, held.user_id, held.told_at
    )
    SELECT DISTINCT ON (id) id, user_id AS "userId", ${THROTTLE_DECISION} FROM gone`;
  await tell(tx, changed);
};

const tell = async (tx: Tx, changed: readonly Changed[]): Promise<void> => {
  for (const { id, userId, decision } of changed) {
    if (decision === 'now') tx.emit(notificationLog, userId, 'NotificationAdded', { notificationId: id });
  }
  const soon = changed.filter(({ decision }) => decision === 'soon').map(({ id }) => id);
  if (soon.length === 0) return;
  const put = await tx.$queryRaw<{ readonly notificationId: string; readonly runAt: Date }[]>`
    UPDATE notification SET told_at = told_at + ${THROTTLE_INTERVAL} WHERE id = ANY(${soon}::uuid[])
    RETURNING id AS "notificationId", told_at AS "runAt"`;
  for (const { notificationId, runAt } of put) tx.enqueue(tellTask, { notificationId }, { key: notificationId, runAt });
};

/**
 * Whoever has seen all of a thing has read what they were told of it. What is being told at the same moment comes before, and `unless` sees
 * what it tells of, or after, and opens another notification.
 * @param unless a condition in SQL: that there is something about it which they have not seen
 */
export const readUnless = async (tx: Tx, about: About, unless: Prisma.Sql): Promise<void> => {
  const [held] = await tx.$queryRaw<{ readonly id: string }[]>`
    SELECT id FROM notification WHERE user_id = ${about.userId}::uuid AND open_key = ${openKeyOf(about)} FOR UPDATE`;
  if (held === undefined) return;
  // A statement of its own, so that it sees what those have written for whom the lock has waited.
  await tx.$executeRaw`
    UPDATE notification SET read_at = clock_timestamp(), open_key = NULL WHERE id = ${held.id}::uuid AND NOT ${unless}`;
};
