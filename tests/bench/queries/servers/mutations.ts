/** `sendMessage` and `likePost` by hand: in one transaction each, with the rows that Lyceum writes. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { pool, type Viewer } from './serving.js';

export const MUTATION_TYPES = `
  type SentMessage { id: ID! seq: Int! }
  type Sent { cursor: String! message: SentMessage! }
  type Liked { likeCount: Int! }
  type Mutation {
    sendMessage(conversationId: ID!, body: String!): Sent!
    likePost(postId: ID!): Liked!
  }`;

type Run = <Row extends object>(name: string, text: string, values: unknown[]) => Promise<Row | undefined>;

const inTransaction = async <Result>(work: (run: Run) => Promise<Result>): Promise<Result> => {
  const client: pg.PoolClient = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(async (name, text, values) => (await client.query({ name, text, values })).rows[0] as never);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
};

const INSERT_MESSAGE = `
  INSERT INTO message (id, conversation_id, author_id, body)
  SELECT $1::uuid, member.conversation_id, member.user_id, $4::text FROM conversation_member member
  WHERE member.conversation_id = $2 AND member.user_id = $3 FOR KEY SHARE OF member
  RETURNING id`;

/** Takes the next number of a log of events, under the lock of its head. */
const numbered = (rows: string): string => `INSERT INTO head (topic, key, last_seq, last_at) ${rows}
  ON CONFLICT (topic, key) DO UPDATE SET last_seq = head.last_seq + 1, prior_at = head.last_at, last_at = greatest(head.last_at, excluded.last_at)
  RETURNING key, last_seq, epoch, last_at`;
const NOW = `date_trunc('milliseconds', clock_timestamp())`;
const NUMBER = numbered(`VALUES ($1, $2, 1, ${NOW})`);

const NUMBER_MESSAGE = `
  WITH numbered AS (${NUMBER}), told AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT $1, $2, last_seq, 'MessageAdded', jsonb_build_object('messageId', $3::uuid), last_at FROM numbered
  ), stamped AS (
    UPDATE message SET seq = last_seq, created_at = last_at FROM numbered WHERE id = $3::uuid
  ), active AS (
    UPDATE conversation SET last_message_at = last_at, active_at = greatest(active_at, last_at) FROM numbered WHERE id = $4::uuid
  ), inbox AS (
    ${numbered(`SELECT 'inbox', member.user_id::text, 1, ${NOW} FROM numbered, conversation_member member WHERE member.conversation_id = $4::uuid ORDER BY 2`)}
  ), listed AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT 'inbox', key, last_seq, 'MESSAGE', jsonb_build_object('conversationId', $4::uuid), last_at FROM inbox
  )
  SELECT last_seq AS seq, epoch FROM numbered`;

const LIKE = `
  WITH held AS (SELECT id FROM post WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE), liked AS (
    INSERT INTO post_like (post_id, user_id) SELECT held.id, $2::uuid FROM held ON CONFLICT DO NOTHING RETURNING post_id
  )
  UPDATE post SET like_count = like_count + 1 FROM liked WHERE post.id = liked.post_id RETURNING like_count AS count, author_id AS "authorId"`;

/** An act joins an unread notification about the same, unless the one who is told wants none or is kept apart from who acts. */
const NOTIFY = `
  WITH opened AS (
    INSERT INTO notification (id, user_id, kind, subject_type, subject_id, open_key, told_at)
    SELECT gen_random_uuid(), $1::uuid, 'LIKE', 'Post', $3::uuid, 'LIKE:' || $3::uuid, '-infinity'
    WHERE NOT EXISTS (SELECT 1 FROM notification_preference WHERE user_id = $1 AND kind = 'LIKE' AND NOT enabled)
      AND NOT EXISTS (SELECT 1 FROM block WHERE (blocker_id = $1 AND blocked_id = $2) OR (blocker_id = $2 AND blocked_id = $1))
    ON CONFLICT (user_id, open_key) DO UPDATE SET data = excluded.data RETURNING id
  ), acted AS (
    INSERT INTO notification_actor (notification_id, user_id, at) SELECT id, $2::uuid, clock_timestamp() FROM opened
    ON CONFLICT (notification_id, user_id) DO UPDATE SET at = excluded.at
  )
  SELECT id FROM opened`;

const NUMBER_COUNT = `WITH numbered AS (${NUMBER}) SELECT last_seq AS version FROM numbered`;

const NUMBER_NOTIFICATION = `
  WITH numbered AS (${NUMBER}), told AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT $1, $2, last_seq, 'NotificationAdded', jsonb_build_object('notificationId', $3::uuid), last_at FROM numbered
  ), inbox AS (
    ${numbered(`SELECT 'inbox', $2, 1, ${NOW}`)}
  ), recounted AS (
    INSERT INTO event (topic, key, seq, kind, ref, at) SELECT 'inbox', key, last_seq, 'COUNTS', 'null'::jsonb, last_at FROM inbox
  )
  UPDATE notification SET seq = last_seq, told_at = last_at FROM numbered WHERE id = $3::uuid`;

const sendMessage = (viewer: Viewer, { conversationId, body }: { readonly conversationId: string; readonly body: string }) =>
  inTransaction(async (run) => {
    const message = await run<{ readonly id: string }>('insertMessage', INSERT_MESSAGE, [randomUUID(), conversationId, viewer.id, body]);
    if (message === undefined) throw new Error('Only members may write.');
    const values = ['conversation', conversationId, message.id, conversationId];
    const { seq = 0, epoch = 0 } =
      (await run<{ readonly seq: number; readonly epoch: number }>('numberMessage', NUMBER_MESSAGE, values)) ?? {};
    const cursor = Buffer.from(`${conversationId}:${epoch}:${seq}`).toString('base64url');
    return { cursor, message: { id: message.id, seq } };
  });

const likePost = (viewer: Viewer, { postId }: { readonly postId: string }) =>
  inTransaction(async (run) => {
    const liked = await run<{ readonly count: number; readonly authorId: string }>('like', LIKE, [postId, viewer.id]);
    if (liked === undefined) throw new Error('Nothing has changed.');
    const { count, authorId } = liked;
    const opened = authorId === viewer.id ? undefined : await run<{ readonly id: string }>('notify', NOTIFY, [authorId, viewer.id, postId]);
    await run('numberCount', NUMBER_COUNT, ['likeCount', postId]);
    if (opened !== undefined) await run('numberNotification', NUMBER_NOTIFICATION, ['notifications', authorId, opened.id]);
    return { likeCount: count };
  });

/** Resolvers for the viewer of a context. */
export const mutationsFor = <Context>(viewerOf: (context: Context) => Viewer) => ({
  sendMessage: (_: unknown, args: Parameters<typeof sendMessage>[1], context: Context) => sendMessage(viewerOf(context), args),
  likePost: (_: unknown, args: Parameters<typeof likePost>[1], context: Context) => likePost(viewerOf(context), args),
});
