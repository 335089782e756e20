/** What the database of a run holds: written by the database itself, the same in every run. */
import pg from 'pg';

export interface Amounts {
  readonly users: number;
  readonly categories: number;
  readonly entries: number;
  readonly posts: number;
  readonly commentsOfPost: number;
  /** Users who are signed in. They write no posts, so whoever likes one has somebody notified. */
  readonly viewers: number;
  /** Of each viewer, with four others. */
  readonly conversations: number;
  readonly messagesOfConversation: number;
}

export const LARGE: Amounts = {
  users: 3_000,
  categories: 20,
  entries: 50_000,
  posts: 50_000,
  commentsOfPost: 5,
  viewers: 20,
  conversations: 50,
  messagesOfConversation: 60,
};

export const SMALL: Amounts = { ...LARGE, users: 500, entries: 2_000, posts: 2_000 };

/** The kinds of row whose ids are known beforehand. */
const KINDS = { user: 0, session: 1, category: 2, entry: 3, post: 4, comment: 5, conversation: 6, message: 7, member: 8 } as const;

/** The id of the row of this kind at place `n`, which begins with 0: ids grow with `n`, as those of rows that were written one by one. */
export const idOf = (kind: keyof typeof KINDS, n: number): string =>
  `01900000-0000-7000-${(0x8000 + KINDS[kind]).toString(16)}-${n.toString(16).padStart(12, '0')}`;

const id = (kind: keyof typeof KINDS, n: string): string =>
  `('01900000-0000-7000-${(0x8000 + KINDS[kind]).toString(16)}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** Each row of a list is a second younger than the one before it. */
const FIRST_AT = '2026-01-01T00:00:00Z';
const at = (seconds: string): string => `timestamptz '${FIRST_AT}' + (${seconds}) * interval '1 second'`;
/** When the post at place `n` was written. */
export const postedAt = (n: number): Date => new Date(Date.parse(FIRST_AT) + n * 1_000);

const LIKES_AT_MOST = 8;
const text = (n: string, sentences: string): string =>
  `'No. ' || ${n} || ': ' || repeat('Plants turn light into sugar and keep it for the night. ', ${sentences})`;

const statements = (amounts: Amounts): string[] => {
  const { users, categories, entries, posts, commentsOfPost, viewers, conversations, messagesOfConversation } = amounts;
  const rooms = viewers * conversations;
  const series = (count: number, name: string): string => `generate_series(0, ${count - 1}) ${name}`;
  /** The user at place \`p\` of a conversation: its viewer comes first, the others are no viewers. */
  const memberOf = (c: string, p: string): string =>
    `CASE ${p} WHEN 0 THEN ${c} / ${conversations} ELSE ${viewers} + (${c} * 7 + ${p} * 31) % ${users - viewers} END`;
  return [
    // Keys to other tables are right by construction.
    `SET session_replication_role = replica`,
    `INSERT INTO "user" (id, username, username_key, display_name, bio, created_at)
      SELECT ${id('user', 'n')}, 'user' || n, 'user' || n, 'User ' || n, ${text('n', '1')}, ${at('n')} FROM ${series(users, 'n')}`,
    `INSERT INTO session (id, user_id, refresh_hash, expires_at)
      SELECT ${id('session', 'n')}, ${id('user', 'n')}, sha256(n::text::bytea), now() + interval '1 day' FROM ${series(viewers, 'n')}`,
    `INSERT INTO category (id, name, name_key, slug, color)
      SELECT ${id('category', 'n')}, 'Category ' || n, 'category ' || n, 'category-' || n, '#336699' FROM ${series(categories, 'n')}`,
    `INSERT INTO entry (id, title, slug, content, tags, tag_keys, is_public, author_id, category_id, created_at, updated_at)
      SELECT ${id('entry', 'n')}, 'Entry ' || n, 'entry-' || n, ${text('n', '10 + n % 20')}, ARRAY['tag' || n % 50, 'tag' || n % 7], ARRAY['tag' || n % 50, 'tag' || n % 7],
        n % 50 <> 0, ${id('user', `n * 17 % ${users}`)}, ${id('category', `n % ${categories}`)}, ${at('n')}, ${at('n')}
      FROM ${series(entries, 'n')}`,
    `INSERT INTO post (id, body, author_id, created_at, like_count, comment_count)
      SELECT ${id('post', 'n')}, ${text('n', '1 + n % 4')}, ${id('user', `${viewers} + n * 13 % ${users - viewers}`)}, ${at('n')}, n % ${LIKES_AT_MOST}, ${commentsOfPost}
      FROM ${series(posts, 'n')}`,
    `INSERT INTO post_like (post_id, user_id)
      SELECT ${id('post', 'n')}, ${id('user', `(n * 11 + liker * 37) % ${users - viewers} + ${viewers}`)}
      FROM ${series(posts, 'n')}, generate_series(1, n % ${LIKES_AT_MOST}) liker`,
    `INSERT INTO comment (id, post_id, author_id, body, seq, created_at)
      SELECT ${id('comment', `n * ${commentsOfPost} + place`)}, ${id('post', 'n')}, ${id('user', `(n * 5 + place * 101) % ${users}`)},
        ${text('place', '1 + (n + place) % 2')}, place + 1, ${at('n + place')}
      FROM ${series(posts, 'n')}, ${series(commentsOfPost, 'place')}`,
    // The events themselves have been removed by retention.
    `INSERT INTO head (topic, key, last_seq, oldest_seq)
      SELECT 'comments', ${id('post', 'n')}::text, ${commentsOfPost}, ${commentsOfPost + 1} FROM ${series(posts, 'n')}`,
    `INSERT INTO follow (follower_id, followee_id, created_at)
      SELECT ${id('user', 'n')}, ${id('user', `(n + place * 7 + 1) % ${users}`)}, ${at('n + place')}
      FROM ${series(users, 'n')}, generate_series(0, CASE WHEN n < ${viewers} THEN 59 ELSE 9 + n % 20 END) place ON CONFLICT DO NOTHING`,
    `INSERT INTO conversation (id, kind, title, creator_id, created_at, last_message_at, active_at)
      SELECT ${id('conversation', 'c')}, 'GROUP', 'Group ' || c, ${id('user', `c / ${conversations}`)}, ${at('c')},
        ${at(`c + ${messagesOfConversation}`)}, ${at(`c + ${messagesOfConversation}`)}
      FROM ${series(rooms, 'c')}`,
    `INSERT INTO conversation_member (id, conversation_id, user_id, joined_at, last_read_seq)
      SELECT ${id('member', 'c * 5 + p')}, ${id('conversation', 'c')}, ${id('user', memberOf('c', 'p'))}, ${at('c + p')},
        ${messagesOfConversation} - (c * 3 + p) % 12
      FROM ${series(rooms, 'c')}, ${series(5, 'p')} ON CONFLICT DO NOTHING`,
    `INSERT INTO message (id, conversation_id, author_id, body, seq, created_at)
      SELECT ${id('message', `c * ${messagesOfConversation} + m`)}, ${id('conversation', 'c')}, ${id('user', memberOf('c', '(m * 3 + c) % 5'))},
        ${text('m', '1 + (c + m) % 3')}, m + 1, ${at('c + m + 1')}
      FROM ${series(rooms, 'c')}, ${series(messagesOfConversation, 'm')}`,
    `INSERT INTO event (topic, key, seq, kind, ref, at)
      SELECT 'conversation', conversation_id::text, seq, 'MessageAdded', jsonb_build_object('messageId', id), created_at FROM message`,
    `INSERT INTO head (topic, key, last_seq, last_at)
      SELECT 'conversation', id::text, ${messagesOfConversation}, last_message_at FROM conversation`,
    `RESET session_replication_role`,
    `VACUUM (ANALYZE)`,
  ];
};

/** Fills an empty database that has been migrated. Nothing cleans up by itself from then on, which would be counted as somebody's CPU. */
export const seed = async (url: string, amounts: Amounts): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('ALTER SYSTEM SET autovacuum = off');
    await client.query('SELECT pg_reload_conf()');
    for (const statement of statements(amounts)) await client.query(statement);
  } finally {
    await client.end();
  }
};
