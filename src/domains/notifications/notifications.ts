import { Prisma } from '../../db/generated/prisma/client.js';
import { THROTTLE_INTERVAL, throttleDecision, type ThrottleDecision } from '../../db/throttle.js';
import type { Tx } from '../../db/transact.js';
import { isGone } from '../account/account.js';
import { areApart } from '../blocks/blocks.js';
import { tellCounts } from '../inbox/inbox.js';
import { isOnline } from '../presence/presence.js';
import { publishNotificationTask } from './jobs.js';
import { openKeyOf, type About, type Act } from './rules.js';
import { notificationLog } from './topics.js';

/*
 * A notification is a row that is written in the transaction of the act it tells of. Lock order: the rows of the act, then notifications
 * ordered by (user, open key), then jobs and heads. It prevents deadlocks.
 *
 * `told_at` throttles publishing: in the past, it is when the notification was last published; in the future, it is when an enqueued job
 * will publish it. All times are the database's.
 */

/** A changed notification and when to publish it. */
interface Changed {
  readonly id: string;
  readonly userId: string;
  readonly decision: ThrottleDecision;
}

const THROTTLE_DECISION = Prisma.sql`${throttleDecision(Prisma.sql`told_at`)} AS decision`;

/**
 * Notifies users of acts. A user gets no notification of their own acts, of kinds that they have switched off, of users separated from them
 * by a block, and of messages while they are online. An act joins an unread notification of the same kind and subject, which lists each
 * actor once.
 *
 * The first act is published at once, further ones at most once a second, the last state always. It takes one statement for any number of
 * acts, and at most one further statement a second for each notification.
 */
export const notify = async (tx: Tx, ...acts: readonly Act[]): Promise<void> => {
  const heard = acts.filter(({ userId, actorId }) => userId !== actorId);
  if (heard.length === 0) return;
  const given = Prisma.sql`
    unnest(
      ${heard.map(({ userId }) => userId)}::uuid[],
      ${heard.map(openKeyOf)}::text[],
      ${heard.map(({ actorId }) => actorId)}::uuid[],
      ${heard.map(({ kind }) => kind)}::notification_kind[],
      ${heard.map(({ subject }) => subject.type)}::text[],
      ${heard.map(({ subject }) => subject.id)}::uuid[],
      ${heard.map(({ data }) => JSON.stringify(data ?? null))}::text[]
    ) WITH ORDINALITY AS given(user_id, open_key, actor_id, kind, subject_type, subject_id, data, ordinal)`;
  await tell(tx, await tx.$queryRaw<Changed[]>`WITH ${opening(given)} SELECT id, user_id AS "userId", decision FROM opened`);
};

/** What a statement with {@link notifying} in it has opened, for {@link tellOpened}. */
export type Opened = readonly Changed[] | null;

/**
 * {@link notify} as a part of the statement that writes the act, which saves a round trip. The blocks and preferences it sees are those of when
 * that statement began, even if it waits for the rows of the act.
 * @param acting rows with the `user_id` of a recipient and the `actor_id` of who has acted, of acts of one kind about one subject
 * @returns the CTEs, and the value to be handed to {@link tellOpened} in the same transaction
 */
export const notifying = (
  { kind, subject, data = null }: Pick<Act, 'kind' | 'subject'> & { readonly data?: Act['data'] | null },
  acting: Prisma.Sql,
): { readonly ctes: Prisma.Sql; readonly value: Prisma.Sql } => ({
  ctes: opening(Prisma.sql`(
    SELECT user_id, ${openKeyOf({ kind, subject })}::text AS open_key, actor_id, ${kind}::notification_kind AS kind, ${subject.type}::text AS subject_type,
      ${subject.id}::uuid AS subject_id, ${JSON.stringify(data)}::text AS data, 0 AS ordinal
    FROM (${acting}) acting WHERE user_id <> actor_id
  ) given`),
  value: Prisma.sql`(SELECT json_agg(json_build_object('id', id, 'userId', user_id, 'decision', decision)) FROM opened)`,
});

/** Publishes what {@link notifying} has written. */
export const tellOpened = (tx: Tx, opened: Opened): Promise<void> => tell(tx, opened ?? []);

/** CTEs that write the notifications of acts; `opened` are those of which their users are to be told. @param given the acts */
const opening = (given: Prisma.Sql): Prisma.Sql => Prisma.sql`
    act AS (
      SELECT * FROM ${given}
      WHERE NOT EXISTS (
          SELECT 1 FROM notification_preference preference
          WHERE preference.user_id = given.user_id AND preference.kind = given.kind AND NOT preference.enabled
        )
        AND NOT ${isGone(Prisma.sql`given.user_id`)} AND NOT ${areApart(Prisma.sql`given.user_id`, Prisma.sql`given.actor_id`)}
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
    )`;

/**
 * Withdraws acts: their actors are removed from unread notifications. A notification without actors is left out of lists and counts, but
 * its row stays, because its events refer to it and the act may be repeated.
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
 * Withdraws all acts about subjects that were deleted, whoever the actors: a notification that leads nowhere is useless. As with {@link
 * withdraw} the rows stay. One statement for any number of subjects.
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

/** Takes somebody out of the notifications of others, as many as are said. @returns how many there were */
export const forgetActor = async (tx: Tx, actorId: string, limit: number): Promise<number> => {
  const held = await tx.$queryRaw<{ readonly id: string }[]>`
    SELECT notification.id FROM notification JOIN notification_actor actor ON actor.notification_id = notification.id
    WHERE actor.user_id = ${actorId}::uuid
    ORDER BY notification.user_id, notification.open_key LIMIT ${limit} FOR NO KEY UPDATE OF notification`;
  const ids = held.map(({ id }) => id);
  await tx.notificationActor.deleteMany({ where: { userId: actorId, notificationId: { in: ids } } });
  const changed = await tx.$queryRaw<Changed[]>`
    SELECT id, user_id AS "userId", ${THROTTLE_DECISION} FROM notification WHERE id = ANY(${ids}::uuid[]) AND open_key IS NOT NULL`;
  await tell(tx, changed);
  return held.length;
};

/** The unread notifications of a user that were not withdrawn, as an SQL query of a row each. */
export const unreadNotifications = (userId: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT 1 FROM notification
  WHERE notification.user_id = ${userId} AND notification.open_key IS NOT NULL AND (
    notification.kind = 'SYSTEM' OR EXISTS (SELECT 1 FROM notification_actor actor WHERE actor.notification_id = notification.id)
  )`;

const tell = async (tx: Tx, changed: readonly Changed[]): Promise<void> => {
  for (const { id, userId, decision } of changed) {
    if (decision === 'now') tx.emit(notificationLog, userId, 'NotificationAdded', { notificationId: id });
  }
  // What is unread is told as seldom: a change that is due is told by the job.
  tellCounts(
    tx,
    changed.filter(({ decision }) => decision !== 'due').map(({ userId }) => userId),
  );
  const soon = changed.filter(({ decision }) => decision === 'soon').map(({ id }) => id);
  if (soon.length === 0) return;
  const put = await tx.$queryRaw<{ readonly notificationId: string; readonly runAt: Date }[]>`
    UPDATE notification SET told_at = told_at + ${THROTTLE_INTERVAL} WHERE id = ANY(${soon}::uuid[])
    RETURNING id AS "notificationId", told_at AS "runAt"`;
  for (const { notificationId, runAt } of put) tx.enqueue(publishNotificationTask, { notificationId }, { key: notificationId, runAt });
};

/**
 * Marks the notification about a subject as read unless there is something unseen. Example: B sends a message while A reads the
 * conversation. Either B's transaction commits first, and `unless` sees the message, or it waits for the row's lock and then opens a new
 * notification.
 * @param unless an SQL condition: something about the subject is unseen
 */
export const readUnless = async (tx: Tx, about: About, unless: Prisma.Sql): Promise<void> => {
  const [held] = await tx.$queryRaw<{ readonly id: string }[]>`
    SELECT id FROM notification WHERE user_id = ${about.userId}::uuid AND open_key = ${openKeyOf(about)} FOR UPDATE`;
  if (held === undefined) return;
  // This is a statement of its own so that its snapshot is taken after the lock, and sees the transactions that the lock has waited for.
  const read = await tx.$executeRaw`
    UPDATE notification SET read_at = clock_timestamp(), open_key = NULL WHERE id = ${held.id}::uuid AND NOT ${unless}`;
  if (read > 0) tellCounts(tx, [about.userId]);
};
