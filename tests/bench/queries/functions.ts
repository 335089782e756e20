/** The functions that whoever uses PostGraphile writes in SQL, for what the tables alone do not say. */
import pg from 'pg';
import { LIKE, SEND } from './servers/act-statements.js';
import { SQL } from './servers/statements.js';

/** A statement with other things in the places of its parameters. */
const fill = (sql: string, ...values: readonly string[]): string =>
  sql.replaceAll(/\$(\d)/g, (_, place) => values[Number(place) - 1] ?? '');

const FUNCTIONS = `
  CREATE FUNCTION viewer_id() RETURNS uuid STABLE LANGUAGE sql AS $$ SELECT current_setting('bench.viewer')::uuid $$;

  CREATE FUNCTION feed(most int) RETURNS SETOF post STABLE LANGUAGE sql AS $$
    SELECT post.* FROM (${fill(SQL.feed, 'most', 'viewer_id()')}) page JOIN post ON post.id = page.id ORDER BY post.created_at DESC, post.id DESC
  $$;
  CREATE FUNCTION post_viewer_has_liked(post post) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT 1 FROM post_like WHERE post_id = post.id AND user_id = viewer_id())
  $$;

  CREATE FUNCTION inbox(most int) RETURNS SETOF conversation STABLE LANGUAGE sql AS $$
    SELECT conversation.* FROM conversation_member member JOIN conversation ON conversation.id = member.conversation_id
    WHERE member.user_id = viewer_id() ORDER BY active_at DESC, conversation.id DESC LIMIT most
  $$;
  CREATE FUNCTION conversation_unread_count(conversation conversation) RETURNS int STABLE LANGUAGE sql AS $$
    SELECT count(*)::int FROM conversation_member member
    JOIN message ON message.conversation_id = member.conversation_id AND message.seq > member.last_read_seq
      AND message.author_id <> member.user_id AND message.deleted_at IS NULL
    WHERE member.user_id = viewer_id() AND member.conversation_id = conversation.id
  $$;

  CREATE FUNCTION write_message(id uuid, conversation uuid, author uuid, body text) RETURNS text LANGUAGE sql AS $$ ${SEND} $$;
  CREATE FUNCTION write_like(post uuid, liker uuid) RETURNS text LANGUAGE sql AS $$ ${LIKE} $$;
  CREATE FUNCTION send_message(conversation uuid, body text) RETURNS text LANGUAGE sql AS $$
    SELECT write_message(gen_random_uuid(), conversation, viewer_id(), body)
  $$;
  CREATE FUNCTION like_post(post uuid) RETURNS text LANGUAGE sql AS $$ SELECT write_like(post, viewer_id()) $$;`;

export const createFunctions = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(FUNCTIONS);
  } finally {
    await client.end();
  }
};
