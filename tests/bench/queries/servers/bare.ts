/** A server of node:http with no GraphQL at all: for each question one statement that has the database write the answer's JSON. */
import { createServer, type IncomingMessage } from 'node:http';
import { WRITES } from './bare-writes.js';
import { rowsOf, tell, viewerBy, type Viewer } from './serving.js';

const USER = `json_build_object('id', author.id, 'username', author.username, 'displayName', author.display_name)`;
const JOIN_AUTHOR = (of: string): string => `JOIN "user" author ON author.id = ${of}.author_id`;
const UTC = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const LIST = (items: string): string => `SELECT coalesce(json_agg(item), '[]')::text AS json FROM (${items}) item`;
const POST = `post.id, post.body, ${UTC('post.created_at')} AS "createdAt"`;
const COUNTED = `${POST}, post.like_count AS "likeCount", post.comment_count AS "commentCount"`;

interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, string>>;
}

const STATEMENTS: Readonly<Record<string, { readonly sql: string; readonly values: (asked: Asked, viewer: Viewer | null) => unknown[] }>> =
  {
    node: {
      sql: `SELECT row_to_json(item)::text AS json FROM (
        SELECT ${COUNTED}, ${USER} AS author FROM post ${JOIN_AUTHOR('post')} WHERE post.id = $1 AND post.deleted_at IS NULL) item`,
      values: ({ variables }) => [variables['id']],
    },
    list: {
      sql: LIST(`SELECT entry.id, entry.title, ${UTC('entry.created_at')} AS "createdAt", ${USER} AS author FROM (
        SELECT * FROM entry WHERE category_id = (SELECT id FROM category WHERE slug = $1) AND is_public ORDER BY created_at DESC, id DESC LIMIT 10
      ) entry ${JOIN_AUTHOR('entry')} ORDER BY entry.created_at DESC, entry.id DESC`),
      values: ({ variables }) => [variables['category']],
    },
    nested: {
      sql: LIST(`SELECT ${POST}, ${USER} AS author, comments.list AS comments FROM (
        SELECT * FROM post WHERE deleted_at IS NULL AND (created_at, id) < ($1::timestamptz, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT 20
      ) post ${JOIN_AUTHOR('post')} CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('id', comment.id, 'body', comment.body, 'author', ${USER}) ORDER BY comment.seq) AS list FROM (
          SELECT * FROM comment WHERE post_id = post.id ORDER BY seq LIMIT 3
        ) comment ${JOIN_AUTHOR('comment')}
      ) comments ORDER BY post.created_at DESC, post.id DESC`),
      values: ({ variables }) => (variables['after'] ?? '').split(','),
    },
    feed: {
      sql: LIST(`SELECT ${COUNTED}, ${USER} AS author,
          EXISTS (SELECT 1 FROM post_like WHERE post_like.post_id = post.id AND post_like.user_id = $1) AS "viewerHasLiked" FROM (
        SELECT post.* FROM (
          SELECT author.id FROM (SELECT followee_id AS id FROM follow WHERE follower_id = $1 UNION ALL SELECT $1::uuid) author CROSS JOIN LATERAL (
            SELECT created_at, id AS post_id FROM post WHERE author_id = author.id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 1
          ) foremost ORDER BY foremost.created_at DESC, foremost.post_id DESC LIMIT 20
        ) followed CROSS JOIN LATERAL (
          SELECT * FROM post WHERE author_id = followed.id AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 20
        ) post ORDER BY post.created_at DESC, post.id DESC LIMIT 20
      ) post ${JOIN_AUTHOR('post')} ORDER BY post.created_at DESC, post.id DESC`),
      values: (_, viewer) => [viewer?.id],
    },
    inbox: {
      sql: LIST(`SELECT conversation.id, conversation.title, ${UTC('conversation.last_message_at')} AS "lastMessageAt",
          (SELECT count(*)::int FROM message WHERE message.conversation_id = conversation.id AND message.seq > member.last_read_seq
            AND message.author_id <> $1 AND message.deleted_at IS NULL) AS "unreadCount",
          json_build_array(last.message) AS messages
        FROM conversation_member member JOIN conversation ON conversation.id = member.conversation_id CROSS JOIN LATERAL (
          SELECT json_build_object('id', message.id, 'body', message.body, 'createdAt', ${UTC('message.created_at')},
            'author', json_build_object('id', author.id, 'displayName', author.display_name)) AS message
          FROM message ${JOIN_AUTHOR('message')}
          WHERE message.conversation_id = conversation.id AND message.seq > 0 ORDER BY message.seq DESC LIMIT 1
        ) last WHERE member.user_id = $1 ORDER BY conversation.active_at DESC, conversation.id DESC LIMIT 50`),
      values: (_, viewer) => [viewer?.id],
    },
  };

const answer = async (asked: Asked, authorization: string | undefined): Promise<string> => {
  if (asked.query === 'hello') return '"Query"';
  const viewer = await viewerBy(authorization);
  const write = WRITES[asked.query];
  if (write !== undefined) return await write(viewer, asked.variables);
  const statement = STATEMENTS[asked.query];
  if (statement === undefined) throw new Error(`Nobody knows how to answer ${asked.query}.`);
  const [row] = await rowsOf<{ json: string }>(asked.query, statement.sql, statement.values(asked, viewer));
  return row?.json ?? 'null';
};

const bodyOf = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });

const server = createServer((request, response) => {
  bodyOf(request)
    .then((body) => answer(JSON.parse(body) as Asked, request.headers.authorization))
    .then(
      (json) => {
        const body = Buffer.from(`{"data":{"answer":${json}}}`);
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
      },
      (error: unknown) => response.writeHead(500).end(JSON.stringify({ errors: [{ message: String(error) }] })),
    );
});
server.listen(0, '127.0.0.1', () => tell(server));
