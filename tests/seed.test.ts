import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/users.js';
import { seedDemoData } from '../src/demo/seed.js';
import { welcome } from '../src/process/welcome.js';
import { startTestApp, type TestApp, type TestUser } from './kit/app.js';
import { createTestDatabase, type TestDatabase } from './kit/database.js';
import { aMessage, aSession } from './kit/factories.js';
import { graphql, present } from './kit/graphql.js';

let app: TestApp;
let database: TestDatabase;

/** What the seed has written, by table. */
const fingerprint = async (): Promise<unknown> => {
  const tables = [
    ...['user', 'follow', 'category', 'entry', 'entry_like', 'post', 'post_like', 'comment'],
    ...['conversation', 'conversation_member', 'message', 'event', 'head'],
  ];
  return await Promise.all(
    tables.map((table) => database.query(`SELECT count(*)::int, md5(string_agg(t::text, '' ORDER BY t::text)) FROM "${table}" t`)),
  );
};

beforeAll(async () => {
  database = await createTestDatabase();
  app = await startTestApp({ database });
  const second = await startTestApp({ database });
  // As two processes that start at once.
  await Promise.all([seedDemoData(app.services), seedDemoData(second.services)]);
  await second.stop();
});

afterAll(async () => {
  await app.stop();
  await database.drop();
});

const signIn = (username: string): Promise<TestUser> => aSession(app, { username }, {}, DEMO_PASSWORD);

const Conversations = graphql(`
  query SeedConversations {
    me {
      conversations(first: 10) {
        nodes {
          id
          kind
          title
          joinCode
          unreadCount
          cursor
          messages(first: 100) {
            totalCount
            edges {
              cursor
              node {
                id
              }
            }
          }
        }
      }
    }
  }
`);
const Added = graphql(`
  subscription SeedMessageAdded($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      cursor
      message {
        id
        body
      }
    }
  }
`);
const Content = graphql(`
  query SeedContent {
    users(first: 50) {
      totalCount
      edges {
        node {
          username
          displayName
          bio
        }
      }
    }
    categories {
      slug
      entryCount
    }
    entries(first: 10, filter: { category: "technical" }) {
      totalCount
      edges {
        node {
          id
          title
          author {
            username
          }
        }
      }
    }
    everything: entries {
      totalCount
    }
    featured: entries(filter: { isFeatured: true }) {
      totalCount
    }
    posts(first: 100) {
      totalCount
    }
  }
`);

const conversationsOf = async (user: TestUser) => (await app.data(Conversations, {}, user)).me.conversations.nodes;

describe('the demo content', () => {
  it('has users, entries in categories, posts and comments', async () => {
    const data = await app.data(Content);
    expect(data).toMatchObject({
      users: { totalCount: 12 },
      entries: { totalCount: 41 },
      everything: { totalCount: 100 },
      featured: { totalCount: 7 },
      posts: { totalCount: 31 },
    });
    const { categories, entries } = data;
    expect(categories).toHaveLength(8);
    expect(categories.reduce((sum, { entryCount }) => sum + entryCount, 0)).toBe(100);
    expect(entries.edges).toHaveLength(10);
  });

  it('counts likes and comments as the mutations would have', async () => {
    const wrong = await database.query(`
      SELECT post.id FROM post LEFT JOIN head likes ON likes.topic = 'likeCount' AND likes.key = post.id::text
        LEFT JOIN head comments ON comments.topic = 'commentCount' AND comments.key = post.id::text
      WHERE like_count <> (SELECT count(*) FROM post_like WHERE post_id = post.id)
        OR comment_count <> (SELECT count(*) FROM comment WHERE post_id = post.id)
        OR like_count <> coalesce(likes.last_seq, 0) OR comment_count <> coalesce(comments.last_seq, 0)
      UNION ALL
      SELECT id FROM entry WHERE like_count <> (SELECT count(*) FROM entry_like WHERE entry_id = entry.id)`);
    expect(wrong).toEqual([]);
    const [likes] = await database.query<{ posts: number; entries: number }>(
      'SELECT (SELECT count(*)::int FROM post_like) AS posts, (SELECT count(*)::int FROM entry_like) AS entries',
    );
    expect(likes?.posts).toBeGreaterThan(50);
    expect(likes?.entries).toBeGreaterThan(150);
  });

  it('numbers messages and comments without a gap, each with its event', async () => {
    const wrong = await database.query(`
      SELECT m.id FROM message m
      LEFT JOIN event e ON e.topic = 'conversation' AND e.key = m.conversation_id::text AND e.seq = m.seq
        AND e.kind = 'MessageAdded' AND e.ref->>'messageId' = m.id::text
      WHERE e.seq IS NULL
      UNION ALL
      SELECT c.id FROM comment c LEFT JOIN event e ON e.topic = 'comments' AND e.key = c.post_id::text AND e.seq = c.seq
        AND e.kind = 'CommentAdded' AND e.ref->>'commentId' = c.id::text
      WHERE e.seq IS NULL`);
    expect(wrong).toEqual([]);
    const gaps = await database.query(`
      SELECT head.topic, head.key FROM head JOIN event USING (topic, key) GROUP BY head.topic, head.key, last_seq
      HAVING min(seq) <> 1 OR max(seq) <> last_seq OR count(*) <> last_seq`);
    expect(gaps).toEqual([]);
  });

  it('is told in an order that could have happened', async () => {
    const wrong = await database.query(`
      SELECT 'future' AS what, id::text FROM (
        SELECT id, created_at FROM post UNION ALL SELECT id, created_at FROM comment
        UNION ALL SELECT id, created_at FROM message UNION ALL SELECT id, created_at FROM entry
        UNION ALL SELECT post_id, created_at FROM post_like UNION ALL SELECT entry_id, created_at FROM entry_like
      ) row WHERE created_at > now()
      UNION ALL SELECT 'comment', c.id::text FROM comment c
        JOIN post p ON p.id = c.post_id LEFT JOIN comment r ON r.id = c.reply_to_id
        WHERE c.created_at < p.created_at OR r.created_at > c.created_at OR r.seq > c.seq
      UNION ALL SELECT 'comment order', c.id::text FROM comment c JOIN comment d USING (post_id)
        WHERE c.seq < d.seq AND c.created_at > d.created_at
      UNION ALL SELECT 'message order', m.id::text FROM message m JOIN message n USING (conversation_id)
        WHERE m.seq < n.seq AND m.created_at > n.created_at
      UNION ALL SELECT 'stranger', m.id::text FROM message m WHERE NOT EXISTS (
        SELECT 1 FROM conversation_member c
        WHERE c.conversation_id = m.conversation_id AND c.user_id = m.author_id AND c.joined_at <= m.created_at)
      UNION ALL SELECT 'activity', c.id::text FROM conversation c
        JOIN LATERAL (SELECT max(created_at) AS at FROM message WHERE conversation_id = c.id) latest ON true
        WHERE last_message_at IS DISTINCT FROM latest.at OR active_at IS DISTINCT FROM latest.at
      UNION ALL SELECT 'too early', w.id::text FROM "user" u JOIN (
        SELECT id, author_id, created_at FROM post UNION ALL SELECT id, author_id, created_at FROM entry
        UNION ALL SELECT id, creator_id, created_at FROM conversation
      ) w ON w.author_id = u.id WHERE w.created_at < u.created_at
      UNION ALL SELECT 'mentioned before it was written', e.slug FROM entry e JOIN (
        SELECT body, created_at FROM post UNION ALL SELECT body, created_at FROM comment
        UNION ALL SELECT body, created_at FROM message
      ) said ON said.body LIKE '%/entries/' || e.slug || ')%' WHERE said.created_at < e.created_at`);
    expect(wrong).toEqual([]);
  });

  it('links between entries that are there', async () => {
    const texts = await database.query<{ text: string }>(`
      SELECT content AS text FROM entry UNION ALL SELECT body FROM post
      UNION ALL SELECT body FROM comment UNION ALL SELECT body FROM message`);
    const slugs = new Set((await database.query<{ slug: string }>('SELECT slug FROM entry')).map(({ slug }) => slug));
    const link = /\]\((?!https?:)([^)]+)\)/g;
    const links = texts.flatMap(({ text }) => Array.from(text.matchAll(link), ([, target = '']) => target));
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter((target) => !slugs.has(target.replace('/entries/', '')))).toEqual([]);
    expect(links.every((target) => target.startsWith('/entries/'))).toBe(true);
  });

  it('has conversations with something unread', async () => {
    const conversations = await conversationsOf(await signIn('ada'));
    expect(conversations).toMatchObject([
      { kind: 'ROOM', title: 'Reading room', joinCode: 'R347', unreadCount: 4 },
      { kind: 'DIRECT', title: null, joinCode: null, unreadCount: 1 },
    ]);
    expect((await conversationsOf(await signIn('hiro'))).map(({ unreadCount }) => unreadCount)).toEqual([0]);
  });

  it('goes on from an old cursor into what is said now', async () => {
    const ines = await signIn('ines');
    const [group] = await conversationsOf(ines);
    if (group === undefined) throw new Error('ines is in no conversation');
    const [first, ...others] = present(group.messages).edges;
    const socket = app.connect(ines);
    const subscription = socket.subscribe(Added, { id: group.id, after: first?.cursor });
    const replayed = await subscription.take(others.length);
    expect(replayed.map(({ messageAdded }) => messageAdded.message.id)).toEqual(others.map(({ node }) => node.id));
    expect(replayed.at(-1)?.messageAdded.cursor).toBe(group.cursor);

    await aMessage(app, await signIn('ben'), group.id, 'It hangs in the shed.');
    expect((await subscription.data()).messageAdded.message.body).toBe('It hangs in the shed.');
    await socket.close();
  });
});

it('leaves a database alone that has users', async () => {
  const before = await fingerprint();
  await seedDemoData(app.services);
  expect(await fingerprint()).toEqual(before);
});

it('waits for the seeding of another process, for longer than a statement may take', async () => {
  let looks = 0;
  const late = await startTestApp({ onStatement: (sql) => (looks += sql.includes('demo data') ? 1 : 0) });
  const other = new pg.Client(late.database.url);
  await other.connect();
  try {
    await other.query(`SELECT pg_advisory_lock(hashtextextended('demo data', 0))`);
    const seeding = seedDemoData(late.services);
    await expect.poll(() => looks).toBeGreaterThan(2);
    await other.query(`SELECT pg_advisory_unlock(hashtextextended('demo data', 0))`);
    await seeding;
    expect(await late.data('{ users { totalCount } }')).toEqual({ users: { totalCount: 12 } });
  } finally {
    await other.end();
    await late.stop();
  }
});

it('leaves nothing when it is broken off', async () => {
  const empty = await startTestApp();
  try {
    await empty.database.query(`ALTER TABLE message ADD CONSTRAINT broken CHECK (body NOT LIKE '%Sunday at four%')`);
    await expect(seedDemoData(empty.services)).rejects.toThrow();
    const left = 'SELECT id FROM "user" UNION ALL SELECT id FROM category UNION ALL SELECT id FROM entry';
    expect(await empty.database.query(left)).toEqual([]);
    await empty.database.query('ALTER TABLE message DROP CONSTRAINT broken');
    await seedDemoData(empty.services);
    expect(await empty.data('{ users { totalCount } }')).toEqual({ users: { totalCount: 12 } });
  } finally {
    await empty.stop();
  }
});

describe('the demo users', () => {
  it('are all offered for signing in with one click', async () => {
    const rows = await database.query<{ username: string }>('SELECT username FROM "user"');
    expect(rows.map(({ username }) => username).sort()).toEqual([...DEMO_USERS].sort());
  });
});

describe('the welcome', () => {
  const url = 'http://127.0.0.1:4000/graphql';
  const operations = (text: string): string[] => text.split('\n').filter((line) => /^ {2}(mutation )?\{/.test(line));

  it('shows operations that work when they are pasted', async () => {
    const text = welcome(url, loadConfig({ NODE_ENV: 'development', DATA_DIR: '/data' }), null);
    expect(text).toContain(url);
    expect(text).toContain('/data (embedded PostgreSQL)');
    const pasted = operations(text);
    expect(pasted).toHaveLength(2);
    for (const operation of pasted) await app.data(operation);
  });

  it('invites to register where there is no demo data, and keeps the password of the database', async () => {
    const DATABASE_URL = 'postgresql://me:secret@db.example:5433/lyceum';
    const text = welcome(url, loadConfig({ NODE_ENV: 'production', DATABASE_URL }), 'https://lyceum.example/register#code');
    expect(text).toContain('https://lyceum.example/register#code');
    expect(text).not.toMatch(/secret|lyceum-demo/);
    expect(text).toContain('db.example:5433/lyceum');
    const [, register = ''] = operations(text);
    const empty = await startTestApp();
    try {
      await empty.data(register.replaceAll('NAME', 'newcomer').replace('"..."', '"a long password"'));
    } finally {
      await empty.stop();
    }
  });
});

it('holds to the limits of what people may write', async () => {
  const tooLong = await database.query(`
    SELECT body FROM message WHERE length(body) > 1000 UNION ALL SELECT body FROM comment WHERE length(body) > 2000
    UNION ALL SELECT body FROM post WHERE length(body) > 10000 UNION ALL SELECT title FROM entry WHERE length(title) > 200`);
  expect(tooLong).toEqual([]);
});
