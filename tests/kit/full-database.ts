import pg from 'pg';
import { JOIN_CODE_ALPHABET } from '../../src/domains/conversations/join-codes.js';
import { encodeId } from '../../src/graphql/ids.js';
import type { Literals } from './every-field.js';

/*
 * A database in which every list is longer than a page, so that what is read of it is as much as a price can mean. It is written by the database
 * itself, and is the same each time.
 */

/** How many rows there are; of each parent, where they have one. */
export const FULL = {
  users: 120,
  postsOfUser: 25,
  commentsOfPost: 25,
  repliesOfComment: 25,
  entriesOfUser: 25,
  /** Of some entries at either end; the others have none. */
  revisions: 25,
  categories: 50,
  conversations: 30,
  members: 45,
  messages: 60,
  reactions: 5,
  /** Of the first emoji; the others have one each. */
  reactors: 25,
  likers: 25,
  mentions: 5,
  notifications: 40,
  actors: 30,
  announcements: 40,
  alerts: 50,
  audited: 40,
  invitations: 40,
  identities: 20,
  operations: 40,
  apiKeys: 20,
  passkeys: 20,
  blocked: 25,
} as const;

const KINDS = [
  'user',
  'session',
  'category',
  'entry',
  'post',
  'comment',
  'conversation',
  'member',
  'message',
  'notification',
  'announcement',
  'audit',
  'invitation',
  'identity',
  'operation',
  'file',
  'key',
  'passkey',
  'revision',
];
export type Kind =
  | 'user'
  | 'category'
  | 'entry'
  | 'post'
  | 'comment'
  | 'conversation'
  | 'member'
  | 'message'
  | 'notification'
  | 'announcement'
  | 'audit'
  | 'invitation'
  | 'identity'
  | 'operation'
  | 'file'
  | 'key'
  | 'passkey'
  | 'revision';

/** The id of the row at place `n`, which begins with 0. The viewer is the first user, an administrator. */
export const idAt = (kind: Kind | 'session', n: number): string =>
  `01900000-0000-7000-${(0x8000 + KINDS.indexOf(kind)).toString(16)}-${n.toString(16).padStart(12, '0')}`;

const id = (kind: Kind | 'session', n: string): string =>
  `('01900000-0000-7000-${(0x8000 + KINDS.indexOf(kind)).toString(16)}-' || lpad(to_hex((${n})::int), 12, '0'))::uuid`;

const at = (seconds: string): string => `timestamptz '2026-01-01T00:00:00Z' + (${seconds}) * interval '1 second'`;
const series = (count: number, name: string): string => `generate_series(0, ${count - 1}) ${name}`;
const text = (n: string, sentences: number): string =>
  `'No. ' || ${n} || ': ' || repeat('Plants turn *light* into **sugar** and keep it for the night. ', ${sentences})`;

/** The kinds of event in the conversation at the same place: each has a conversation of its own. The others have messages alone. */
export const CONVERSATION_KINDS = [
  'MessageAdded',
  'MessageEdited',
  'MessageDeleted',
  'ReactionsChanged',
  'MemberJoined',
  'MemberLeft',
  'OwnerChanged',
  'ConversationRenamed',
  'ReadMoved',
] as const;
/** The same of posts. */
export const POST_KINDS = ['CommentAdded', 'CommentEdited', 'CommentDeleted', 'PostEdited', 'PostDeleted'] as const;

const kindAt = (kinds: readonly string[], n: string): string =>
  `CASE ${n} ${kinds.map((kind, place) => `WHEN ${place} THEN '${kind}'`).join(' ')} ELSE '${kinds[0] ?? ''}' END`;

const statements = (): string[] => {
  const { users, postsOfUser, commentsOfPost, repliesOfComment, entriesOfUser, categories, conversations, members, messages } = FULL;
  const posts = users * postsOfUser;
  const comments = posts * commentsOfPost;
  const entries = users * entriesOfUser;
  return [
    // Keys to other tables are right by construction.
    `SET session_replication_role = replica`,
    `INSERT INTO "user" (id, username, username_key, display_name, bio, role, created_at)
      SELECT ${id('user', 'n')}, 'user' || n, 'user' || n, 'User ' || n, ${text('n', 1)}, CASE n WHEN 0 THEN 'ADMIN' ELSE 'MEMBER' END::role, ${at('n')}
      FROM ${series(users, 'n')}`,
    `INSERT INTO session (id, user_id, refresh_hash, expires_at)
      SELECT ${id('session', 'n')}, ${id('user', 'n')}, sha256(n::text::bytea), now() + interval '10 days' FROM ${series(users, 'n')}`,
    `INSERT INTO follow (follower_id, followee_id, created_at)
      SELECT ${id('user', 'n')}, ${id('user', 'm')}, ${at('n + m')} FROM ${series(users, 'n')}, ${series(users, 'm')} WHERE n <> m`,
    `INSERT INTO block (blocker_id, blocked_id) SELECT ${id('user', '0')}, ${id('user', `${users - 1} - n`)} FROM ${series(FULL.blocked, 'n')}`,
    `INSERT INTO presence (user_id, status) SELECT ${id('user', 'n')}, 'ONLINE' FROM ${series(users, 'n')}`,
    `INSERT INTO head (topic, key, last_seq) SELECT 'presence', ${id('user', 'n')}::text, 3 FROM ${series(users, 'n')}`,
    `INSERT INTO category (id, name, name_key, slug, color)
      SELECT ${id('category', 'n')}, 'Category ' || n, 'category ' || n, 'category-' || n, '#336699' FROM ${series(categories, 'n')}`,
    `INSERT INTO entry (id, title, slug, content, tags, tag_keys, author_id, category_id, like_count, created_at, updated_at)
      SELECT ${id('entry', 'n')}, 'Entry ' || n, 'entry-' || n, ${text('n', 40)}, ARRAY['tag' || n % 150, 'tag' || n % 7], ARRAY['tag' || n % 150, 'tag' || n % 7],
        ${id('user', `n % ${users}`)}, ${id('category', `n % ${categories}`)}, n % 30, ${at('n')}, ${at('n')}
      FROM ${series(entries, 'n')}`,
    `INSERT INTO entry_revision (id, entry_id, version, title, content, tags, is_public, editor_id, created_at)
      SELECT ${id('revision', `n * ${FULL.revisions} + m`)}, ${id('entry', 'n')}, m + 1, 'Entry ' || n, ${text('m', 40)}, '{}', true,
        ${id('user', `(n + m) % ${users}`)}, ${at('n + m')}
      FROM ${series(entries, 'n')}, ${series(FULL.revisions, 'm')} WHERE n < 50 OR n >= ${entries - 50}`,
    `INSERT INTO tag (key, tag, entry_count) SELECT tag, tag, count(*) FROM entry, unnest(tag_keys) AS tag GROUP BY tag`,
    `INSERT INTO entry_like (entry_id, user_id, created_at)
      SELECT ${id('entry', 'n')}, ${id('user', 'm')}, ${at('m')} FROM ${series(entries, 'n')}, ${series(FULL.likers, 'm')}`,
    `INSERT INTO post (id, body, author_id, created_at, like_count, comment_count)
      SELECT ${id('post', 'n')}, ${text('n', 3)}, ${id('user', `n % ${users}`)}, ${at('n')}, 1, ${commentsOfPost} FROM ${series(posts, 'n')}`,
    `INSERT INTO post_like (post_id, user_id, created_at)
      SELECT ${id('post', 'n')}, ${id('user', 'm')}, ${at('m')} FROM ${series(posts, 'n')}, ${series(FULL.likers, 'm')}`,
    `INSERT INTO comment (id, post_id, author_id, body, seq, created_at)
      SELECT ${id('comment', 'n')}, ${id('post', `n / ${commentsOfPost}`)}, ${id('user', `n % ${users}`)}, ${text('n', 2)},
        n % ${commentsOfPost} + 1, ${at('n')}
      FROM ${series(comments, 'n')}`,
    // Those of the first posts are answered.
    `INSERT INTO comment (id, post_id, author_id, body, seq, created_at, reply_to_id)
      SELECT ${id('comment', `${comments} + n`)}, ${id('post', `n / ${commentsOfPost * repliesOfComment}`)}, ${id('user', `n % ${users}`)}, ${text('n', 2)},
        ${commentsOfPost} + 1 + n % ${commentsOfPost * repliesOfComment}, ${at('n')}, ${id('comment', `n / ${repliesOfComment}`)}
      FROM ${series(20 * commentsOfPost * repliesOfComment, 'n')}`,
    `INSERT INTO event (topic, key, seq, kind, ref, at)
      SELECT 'comments', post_id::text, seq, ${kindAt(POST_KINDS, `('x' || right(post_id::text, 8))::bit(32)::int`)}, jsonb_build_object('commentId', id), created_at
      FROM comment`,
    `INSERT INTO head (topic, key, last_seq, last_at) SELECT topic, key, max(seq), max(at) FROM event WHERE topic = 'comments' GROUP BY topic, key`,
    `INSERT INTO conversation (id, kind, title, creator_id, join_code, created_at, last_message_at, active_at)
      SELECT ${id('conversation', 'n')}, 'ROOM', 'Room ' || n, ${id('user', '0')}, 'CC' || substr('${JOIN_CODE_ALPHABET}', n / 21 + 1, 1) || substr('${JOIN_CODE_ALPHABET}', n % 21 + 1, 1), ${at('n')}, ${at('n')}, ${at('n')}
      FROM ${series(conversations, 'n')}`,
    `INSERT INTO conversation_member (id, conversation_id, user_id, joined_at, last_read_seq)
      SELECT ${id('member', `n * ${members} + m`)}, ${id('conversation', 'n')}, ${id('user', 'm')}, ${at('n + m')}, ${messages} / 2
      FROM ${series(conversations, 'n')}, ${series(members, 'm')}`,
    `INSERT INTO message (id, conversation_id, author_id, body, seq, created_at, reply_to_id)
      SELECT ${id('message', `n * ${messages} + m`)}, ${id('conversation', 'n')}, ${id('user', `m % ${members}`)}, ${text('m', 2)}, m + 1, ${at('m')},
        CASE WHEN m > 0 THEN ${id('message', `n * ${messages} + m - 1`)} END
      FROM ${series(conversations, 'n')}, ${series(messages, 'm')}`,
    `INSERT INTO message_reaction (message_id, user_id, emoji)
      SELECT message.id, ${id('user', 'n')}, chr(128512 + greatest(0, n - ${FULL.reactors - 1}))
      FROM message, ${series(FULL.reactors + FULL.reactions - 1, 'n')}`,
    `INSERT INTO message_mention (message_id, user_id) SELECT message.id, ${id('user', 'n')} FROM message, ${series(FULL.mentions, 'n')}`,
    `INSERT INTO event (topic, key, seq, kind, ref, at)
      SELECT 'conversation', conversation_id::text, seq, ${kindAt(CONVERSATION_KINDS, `('x' || right(conversation_id::text, 8))::bit(32)::int`)},
        jsonb_build_object('messageId', id, 'userId', author_id, 'seq', seq), created_at
      FROM message`,
    `INSERT INTO head (topic, key, last_seq, last_at) SELECT topic, key, max(seq), max(at) FROM event WHERE topic = 'conversation' GROUP BY topic, key`,
    `INSERT INTO notification (id, user_id, kind, subject_type, subject_id, seq)
      SELECT ${id('notification', 'n')}, ${id('user', '0')}, 'LIKE', 'Post', ${id('post', 'n')}, n + 1 FROM ${series(FULL.notifications, 'n')}`,
    `INSERT INTO notification_actor (notification_id, user_id)
      SELECT ${id('notification', 'n')}, ${id('user', 'm + 1')} FROM ${series(FULL.notifications, 'n')}, ${series(FULL.actors, 'm')}`,
    `INSERT INTO head (topic, key, last_seq) VALUES ('notifications', ${id('user', '0')}::text, ${FULL.notifications})`,
    `INSERT INTO announcement (id, text, author_id, seq)
      SELECT ${id('announcement', 'n')}, ${text('n', 2)}, ${id('user', '1')}, n + 1 FROM ${series(FULL.announcements, 'n')}`,
    `INSERT INTO audit_event (id, actor_id, action, subject_type, subject_id, detail)
      SELECT ${id('audit', 'n')}, ${id('user', 'n')}, 'deletePost', 'Post', ${id('post', 'n')}, '{"authorId":"none"}' FROM ${series(FULL.audited, 'n')}`,
    `INSERT INTO event (topic, key, seq, kind, ref, at)
      SELECT 'security', 'all', n + 1, 'ACCOUNT_ATTACKED', jsonb_build_object('subject', jsonb_build_object('type', 'User', 'id', ${id('user', 'n')}), 'detail', '{}'::jsonb), ${at('n')}
      FROM ${series(FULL.alerts, 'n')}`,
    `INSERT INTO head (topic, key, last_seq) VALUES ('security', 'all', ${FULL.alerts})`,
    `INSERT INTO head (topic, key, last_seq) VALUES ('announcements', 'all', ${FULL.announcements})`,
    `INSERT INTO invitation (id, code_hash, max_uses, created_by_id, created_at, expires_at)
      SELECT ${id('invitation', 'n')}, sha256(n::text::bytea), 1, ${id('user', '0')}, ${at('n')}, now() + interval '10 days'
      FROM ${series(FULL.invitations, 'n')}`,
    `INSERT INTO identity (id, user_id, issuer, subject, email)
      SELECT ${id('identity', 'n')}, ${id('user', '0')}, 'https://issuer.example', n::text, 'user0@example.com' FROM ${series(FULL.identities, 'n')}`,
    `INSERT INTO stored_file (id, owner_id, name, media_type, size) SELECT ${id('file', 'n')}, ${id('user', '0')}, 'export.zip', 'application/zip', 1
      FROM ${series(FULL.operations, 'n')}`,
    `INSERT INTO operation (id, user_id, kind, state, total, file_id, created_at, ended_at)
      SELECT ${id('operation', 'n')}, ${id('user', '0')}, 'exportMyData', 'SUCCEEDED', 30, ${id('file', 'n')}, ${at('n')}, ${at('n')}
      FROM ${series(FULL.operations, 'n')}`,
    `INSERT INTO api_key (id, user_id, name, start, secret_hash, scopes, created_at, expires_at)
      SELECT ${id('key', 'n')}, ${id('user', '0')}, 'Key ' || n, 'lyc_' || n, sha256(n::text::bytea), ARRAY['READ'], ${at('n')}, now() + interval '10 days'
      FROM ${series(FULL.apiKeys, 'n')}`,
    `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name, is_backed_up, created_at)
      SELECT ${id('passkey', 'n')}, ${id('user', '0')}, sha256(n::text::bytea), '', 0, '{internal}', 'Passkey ' || n, true, ${at('n')}
      FROM ${series(FULL.passkeys, 'n')}`,
    `RESET session_replication_role`,
    `VACUUM (ANALYZE)`,
  ];
};

/** Fills a migrated, empty database. @param url as a superuser, who may leave foreign keys unchecked meanwhile */
export const fillDatabase = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements()) await client.query(statement);
  } finally {
    await client.end();
  }
};

export const globalId = (type: string, kind: Kind, n = 0): string => JSON.stringify(encodeId(type, idAt(kind, n)));
export const listOf = (count: number, item: (n: number) => string): string =>
  `[${Array.from({ length: count }, (_, n) => item(n)).join(', ')}]`;
/** The place of the one whose events are all of this kind. */
const placeOf = (kinds: readonly string[], kind: string | undefined): number => Math.max(0, kinds.indexOf(kind ?? ''));

/** The kinds of row that are read by their ids, by their types. */
const NODE_KINDS: Readonly<Record<string, Kind>> = {
  User: 'user',
  Presence: 'user',
  Category: 'category',
  Entry: 'entry',
  EntryRevision: 'revision',
  Post: 'post',
  Comment: 'comment',
  Conversation: 'conversation',
  ConversationMember: 'member',
  Message: 'message',
  Notification: 'notification',
  Announcement: 'announcement',
  AuditEvent: 'audit',
  Invitation: 'invitation',
  Identity: 'identity',
  Operation: 'operation',
  File: 'file',
  ApiKey: 'key',
  Passkey: 'passkey',
};

/** What the arguments of fields are in such a database. */
export const FULL_LITERALS: Literals = {
  'Message.reactors.emoji': () => '"\u{1f600}"',
  'Query.category.slug': () => '"category-1"',
  'Query.connections.userId': () => globalId('User', 'user', 1),
  'Query.conversation.id': () => globalId('Conversation', 'conversation'),
  'Query.conversationEvents.conversationId': (kind) => globalId('Conversation', 'conversation', placeOf(CONVERSATION_KINDS, kind)),
  'Query.entry.by': () => '{ slug: "entry-1" }',
  'Query.entryDifference.from': () => globalId('EntryRevision', 'revision', FULL.revisions),
  'Query.entryDifference.to': () => globalId('EntryRevision', 'revision', FULL.revisions + 1),
  'Query.markdownPreview.text': () => '"Some *words* of it."',
  'Query.node.id': (type = 'User') => (type === 'User' ? globalId('User', 'user', 1) : null),
  'Query.nodes.ids': (type = 'User') => {
    const kind = NODE_KINDS[type];
    return kind === undefined ? null : listOf(20, (n) => globalId(type, kind, n));
  },
  'Query.operation.id': () => globalId('Operation', 'operation'),
  'Query.post.id': () => globalId('Post', 'post'),
  'Query.postEvents.postId': (kind) => globalId('Post', 'post', placeOf(POST_KINDS, kind)),
  'Query.presence.userIds': () => listOf(20, (n) => globalId('User', 'user', n)),
  'Query.room.code': () => `"CC${JOIN_CODE_ALPHABET.slice(0, 1).repeat(2)}"`,
  'Query.user.by': () => '{ username: "user1" }',
};
