/** The SQL that somebody writes by hand for Mercurius, on the indexes that are there. */

const USER = `SELECT id, username, display_name AS "displayName", bio FROM "user"`;
const POST = `post.id, post.body, post.created_at AS "createdAt", post.like_count AS "likeCount", post.comment_count AS "commentCount", post.author_id AS "authorId"`;
const ENTRY = `entry.id, title, slug, content, tags, version, like_count AS "likeCount", author_id AS "authorId",
  entry.created_at AS "createdAt", updated_at AS "updatedAt"`;
const COMMENT = `comment.id, comment.body, comment.post_id AS "postId", comment.seq, comment.author_id AS "authorId", comment.created_at AS "createdAt"`;

const entriesBy = (direction: 'ASC' | 'DESC'): string => `
  SELECT ${ENTRY} FROM entry WHERE category_id = (SELECT id FROM category WHERE slug = $2) AND (is_public OR author_id = $3)
  ORDER BY entry.created_at ${direction}, entry.id ${direction} LIMIT $1`;

export const SQL = {
  users: `${USER} WHERE id = ANY($1::uuid[])`,
  userByName: `${USER} WHERE username_key = $1`,
  post: `SELECT ${POST} FROM post WHERE id = $1 AND deleted_at IS NULL`,
  entry: `SELECT ${ENTRY} FROM entry WHERE id = $1 AND (is_public OR author_id = $2)`,
  entriesNewest: entriesBy('DESC'),
  entriesOldest: entriesBy('ASC'),
  posts: `
    SELECT ${POST} FROM post WHERE deleted_at IS NULL AND (created_at, id) < ($2::timestamptz, $3::uuid)
    ORDER BY created_at DESC, id DESC LIMIT $1`,
  postsOfAuthors: `
    SELECT post.* FROM unnest($2::uuid[]) author(id) CROSS JOIN LATERAL (
      SELECT ${POST} FROM post WHERE author_id = author.id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1
    ) post`,
  comments: `
    SELECT comment.* FROM unnest($2::uuid[]) post(id) CROSS JOIN LATERAL (
      SELECT ${COMMENT} FROM comment WHERE post_id = post.id ORDER BY seq LIMIT $1
    ) comment
    ORDER BY seq`,
  /** The foremost post of each author who is followed finds the few whose posts can be on the page. */
  feed: `
    WITH author AS (
      SELECT author.id FROM (SELECT followee_id AS id FROM follow WHERE follower_id = $2 UNION ALL SELECT $2::uuid) author
      CROSS JOIN LATERAL (
        SELECT created_at, id AS post_id FROM post WHERE author_id = author.id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1
      ) foremost
      ORDER BY foremost.created_at DESC, foremost.post_id DESC LIMIT $1
    )
    SELECT post.* FROM author CROSS JOIN LATERAL (
      SELECT ${POST} FROM post WHERE author_id = author.id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1
    ) post
    ORDER BY "createdAt" DESC, id DESC LIMIT $1`,
  liked: `SELECT post_id AS id FROM post_like WHERE user_id = $1 AND post_id = ANY($2::uuid[])`,
  conversations: `
    SELECT conversation.id, title, last_message_at AS "lastMessageAt" FROM conversation_member member
    JOIN conversation ON conversation.id = member.conversation_id
    WHERE member.user_id = $2 ORDER BY active_at DESC, conversation.id DESC LIMIT $1`,
  unread: `
    SELECT member.conversation_id AS id, count(*)::int AS count FROM conversation_member member
    JOIN message ON message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
      AND message.author_id <> member.user_id AND message.deleted_at IS NULL
    WHERE member.user_id = $1 AND member.conversation_id = ANY($2::uuid[]) GROUP BY member.conversation_id`,
  messages: `
    SELECT message.* FROM unnest($2::uuid[]) conversation(id) CROSS JOIN LATERAL (
      SELECT id, body, seq, author_id AS "authorId", conversation_id AS "conversationId", created_at AS "createdAt"
      FROM message WHERE conversation_id = conversation.id AND seq > 0 ORDER BY seq DESC LIMIT $1
    ) message
    ORDER BY seq`,
} as const;
