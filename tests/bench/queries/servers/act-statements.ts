/** Acts of one statement each, with all the rows that Lyceum writes. */

const NOW = `date_trunc('milliseconds', clock_timestamp())`;
const numbered = (rows: string): string => `INSERT INTO head (topic, key, last_seq, last_at) ${rows}
  ON CONFLICT (topic, key) DO UPDATE SET last_seq = head.last_seq + 1, prior_at = head.last_at, last_at = greatest(head.last_at, excluded.last_at)
  RETURNING key, last_seq, epoch, last_at`;

/** Message, conversation, author and body. */
export const SEND = `
  WITH member AS (
    SELECT conversation_id, user_id FROM conversation_member WHERE conversation_id = $2 AND user_id = $3 FOR KEY SHARE
  ), numbered AS (${numbered(`SELECT 'conversation', conversation_id::text, 1, ${NOW} FROM member`)}), sent AS (
    INSERT INTO message (id, conversation_id, author_id, body, seq, created_at)
    SELECT $1::uuid, conversation_id, user_id, $4::text, last_seq, last_at FROM member, numbered RETURNING id, seq
  ), told AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT 'conversation', $2::text, last_seq, 'MessageAdded', jsonb_build_object('messageId', $1::uuid), last_at FROM numbered
  ), active AS (
    UPDATE conversation SET last_message_at = last_at, active_at = greatest(active_at, last_at) FROM numbered WHERE conversation.id = $2
  ), inbox AS (${numbered(`SELECT 'inbox', all_members.user_id::text, 1, ${NOW} FROM numbered, conversation_member all_members WHERE all_members.conversation_id = $2 ORDER BY 2`)}), listed AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT 'inbox', key, last_seq, 'MESSAGE', jsonb_build_object('conversationId', $2::uuid), last_at FROM inbox
  )
  SELECT json_build_object('cursor', epoch || ':' || seq, 'message', json_build_object('id', id, 'seq', seq))::text AS json FROM sent, numbered`;

/** Post and user. */
export const LIKE = `
  WITH held AS (SELECT id, author_id FROM post WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE), liked AS (
    INSERT INTO post_like (post_id, user_id) SELECT held.id, $2::uuid FROM held ON CONFLICT DO NOTHING RETURNING post_id
  ), counted AS (
    UPDATE post SET like_count = like_count + 1 FROM liked WHERE post.id = liked.post_id RETURNING post.id, like_count, author_id
  ), version AS (${numbered(`SELECT 'likeCount', id::text, 1, ${NOW} FROM counted`)}), heard AS (
    SELECT id, author_id FROM counted WHERE author_id <> $2
      AND NOT EXISTS (SELECT 1 FROM notification_preference WHERE user_id = author_id AND kind = 'LIKE' AND NOT enabled)
      AND NOT EXISTS (SELECT 1 FROM block WHERE (blocker_id = author_id AND blocked_id = $2) OR (blocker_id = $2 AND blocked_id = author_id))
  ), numbered AS (${numbered(`SELECT 'notifications', author_id::text, 1, ${NOW} FROM heard`)}), opened AS (
    INSERT INTO notification (id, user_id, kind, subject_type, subject_id, open_key, told_at, seq)
    SELECT gen_random_uuid(), author_id, 'LIKE', 'Post', heard.id, 'LIKE:' || heard.id, last_at, last_seq FROM heard, numbered
    ON CONFLICT (user_id, open_key) DO UPDATE SET told_at = excluded.told_at, seq = excluded.seq RETURNING id, user_id, seq, told_at
  ), acted AS (
    INSERT INTO notification_actor (notification_id, user_id, at) SELECT id, $2::uuid, clock_timestamp() FROM opened
    ON CONFLICT (notification_id, user_id) DO UPDATE SET at = excluded.at
  ), told AS (
    INSERT INTO event (topic, key, seq, kind, ref, at)
    SELECT 'notifications', user_id::text, seq, 'NotificationAdded', jsonb_build_object('notificationId', id), told_at FROM opened
  ), inbox AS (${numbered(`SELECT 'inbox', user_id::text, 1, ${NOW} FROM opened`)}), recounted AS (
    INSERT INTO event (topic, key, seq, kind, ref, at) SELECT 'inbox', key, last_seq, 'COUNTS', 'null'::jsonb, last_at FROM inbox
  )
  SELECT json_build_object('likeCount', like_count)::text AS json FROM counted`;
