import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { commentLog, likeCount } from '../../src/domains/posts/topics.js';
import { decodeId } from '../../src/graphql/ids.js';
import type { TestApp } from '../kit/app.js';
import { aComment, aPost } from '../kit/factories.js';
import { CommentAdded, CommentCountChanged, LikeCountChanged } from '../kit/subscriptions.js';
import { busOf, bytesInUse, createWorld, Messages, openRaw, type RawSocket, type World } from './hazard-world.js';

const SOCKETS = 20;
const SUBSCRIBES = 50;
/** What a round of 1,000 may leave behind, in bytes: caches that fill up, but not streams. */
const FLAT = 3_000_000;
const NOTHING = { streams: 0, groups: 0, subscribers: 0 };

/** The channels of streams that a process listens to: beside them it has two, by which processes ask each other for connections. */
export const streamChannels = (app: TestApp): number => busOf(app).stats().channels - 2;

/**
 * Nothing is left of a subscription that is over, and nothing is there before it begins.
 * @param channels what is subscribed to on the bus
 */
export const describeLeaks = (
  name: string,
  env: () => Readonly<Record<string, string>>,
  apps: 1 | 2,
  channels: (app: TestApp) => Promise<readonly string[]>,
): void => {
  describe(`H31: leaks, ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld({ apps, env: { ...env(), DATABASE_TIMEOUT_MS: '60000' } });
    });
    afterAll(() => world.stop());

    const expectNothing = async (app: TestApp): Promise<void> => {
      await expect.poll(() => app.services.hub.stats()).toEqual(NOTHING);
      expect(streamChannels(app)).toBe(0);
      await expect.poll(() => channels(app)).toEqual([]);
    };
    const newPost = async (): Promise<string> => (await aPost(world.apps[0], world.ada)).id;

    /** Sockets that subscribe where no answer comes, and are cut meanwhile; answered when all have gone. */
    const round = async (app: TestApp): Promise<void> => {
      const sockets: RawSocket[] = [];
      for (let n = 0; n < SOCKETS; n += 1) sockets.push(await openRaw(app, n % 2 === 0 ? world.ada : world.ben));
      // Where every subscription asks for its place.
      const holder = new pg.Client(world.database.url);
      await holder.connect();
      await holder.query('BEGIN; LOCK TABLE head IN ACCESS EXCLUSIVE MODE');
      const sent = Array.from({ length: SUBSCRIBES }, (_, n) => ({
        id: String(n),
        type: 'subscribe',
        payload: { query: Messages, variables: { id: world.room } },
      }));
      try {
        for (const { send } of sockets) {
          for (const message of sent) send(message);
          send({ type: 'ping' });
        }
        // Answered in its turn: by then the subscribes before it have begun.
        await expect.poll(() => sockets.every(({ received }) => received.some(({ type }) => type === 'pong'))).toBe(true);
        const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%head%'`;
        await expect.poll(() => world.database.query(waiting)).not.toEqual([]);
        for (const { socket } of sockets) socket.terminate();
        await expect.poll(() => app.services.hub.stats()).toEqual(NOTHING);
        expect(sockets.flatMap(({ received }) => received.filter(({ type }) => type !== 'pong'))).toEqual([]);
      } finally {
        await holder.query('COMMIT');
        await holder.end();
      }
      await answered(app);
      await expectNothing(app);
    };

    /** Waits until what was asked of the pool before has been answered: these come last, for each of the two statements of a subscribe. */
    const answered = async (app: TestApp): Promise<void> => {
      const { poolSize } = app.services.config.database;
      for (let n = 0; n < 3; n += 1) await Promise.all(Array.from({ length: poolSize * 2 }, () => app.data('{ categories { id } }')));
    };

    it('H01: of 1,000 subscribes that were answered after their sockets had gone nothing is left, and the heap stays flat', async () => {
      const [app] = world.apps;
      await round(app);
      await round(app);
      const before = await bytesInUse();
      await round(app);
      await round(app);
      expect((await bytesInUse()) - before).toBeLessThan(2 * FLAT);
      // It still serves.
      const socket = app.connect(world.ada);
      const events = socket.subscribe(Messages, { id: world.room, after: world.start });
      await world.send(app, 'after all');
      expect(await events.data()).toMatchObject({ messageAdded: { message: { body: 'after all' } } });
      await socket.close();
      await expectNothing(app);
    });

    it('H01: of streams of server-sent events that were cut before they were answered nothing is left either', async () => {
      const [app] = world.apps;
      const query = encodeURIComponent(Messages.toString());
      const variables = encodeURIComponent(JSON.stringify({ id: world.room }));
      const holder = new pg.Client(world.database.url);
      await holder.connect();
      const gone = new AbortController();
      try {
        await holder.query('BEGIN; LOCK TABLE head IN ACCESS EXCLUSIVE MODE');
        const asked = Array.from({ length: SUBSCRIBES }, (_, n) =>
          fetch(`${app.url}?query=${query}&variables=${variables}`, {
            headers: { accept: 'text/event-stream', authorization: `Bearer ${(n % 2 === 0 ? world.ada : world.ben).token}` },
            signal: gone.signal,
          }).then(
            () => 'answered',
            () => 'cut',
          ),
        );
        // Each waits for its place in the log, or for that of its user's rights.
        const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%head%'`;
        await expect.poll(() => world.database.query(waiting)).not.toEqual([]);
        gone.abort();
        expect(new Set(await Promise.all(asked))).toEqual(new Set(['cut']));
      } finally {
        await holder.end();
      }
      await answered(app);
      await expectNothing(app);
    });

    it('H02: what is subscribed to and never read opens nothing, and what is left before it is read neither', async () => {
      const app = await world.addApp();
      const { hub } = app.services;
      const post = decodeId('Post', await newPost(), 'id');
      const unread = [await hub.log(commentLog, post, { kinds: ['CommentAdded'] }), hub.state(likeCount, [post])].map((source) =>
        source[Symbol.asyncIterator](),
      );
      await expectNothing(app);
      const [left, read] = unread;
      await left?.return?.();
      expect(await left?.next()).toEqual({ done: true, value: undefined });
      await expectNothing(app);

      // The comparison: one that is read does.
      expect(await read?.next()).toMatchObject({ value: { count: 0 } });
      expect(hub.stats()).toMatchObject({ streams: 1, subscribers: 1 });
      await expect.poll(() => channels(app)).toHaveLength(1);
      await read?.return?.();
      await expectNothing(app);
      await app.stop();
    });

    const COMMENT_ROWS = `
      WITH said AS (
        INSERT INTO comment (id, post_id, author_id, body, seq)
        SELECT gen_random_uuid(), $1::uuid, id, 'said', (SELECT coalesce(max(seq), 0) + 1 FROM event WHERE topic = 'comments' AND key = $1::text)
        FROM "user" LIMIT 1 RETURNING id, seq
      ), head AS (
        INSERT INTO head (topic, key, last_seq) SELECT 'comments', $1::text, seq FROM said
        ON CONFLICT (topic, key) DO UPDATE SET last_seq = excluded.last_seq
      )
      INSERT INTO event (topic, key, seq, kind, ref)
      SELECT 'comments', $1::text, seq, 'CommentAdded', jsonb_build_object('commentId', id) FROM said`;

    /** Two sockets that follow the comments of one post, twice each, and a third one that follows those of another. */
    const followTwoPosts = async () => {
      const [here] = world.apps;
      const there = world.apps[apps - 1] ?? here;
      const [followed, fence] = [await newPost(), await newPost()];
      const others = await openRaw(here, null);
      others.send({ id: 'fence', type: 'subscribe', payload: { query: CommentAdded, variables: { id: fence } } });
      const sockets = [await openRaw(here, null), await openRaw(here, null)];
      for (const { send } of sockets)
        for (const id of ['a', 'b']) send({ id, type: 'subscribe', payload: { query: CommentAdded, variables: { id: followed } } });
      await expect.poll(() => here.services.hub.stats()).toMatchObject({ streams: 2, subscribers: 5 });
      return {
        here,
        followed,
        fence,
        sockets,
        /** What another process commits and wakes for, until whoever follows the other post has heard of that. @returns the SQL that it costs */
        happen: (...posts: readonly string[]): Promise<string[]> => {
          const heard = others.received.length + 1;
          return here.countStatements(async () => {
            for (const post of posts) {
              const key = decodeId('Post', post, 'id');
              await world.database.query(COMMENT_ROWS, [key]);
              busOf(there).wake({ topic: 'comments', key, seq: 1_000_000 });
            }
            await expect.poll(() => others.received.length).toBe(heard);
          });
        },
        leave: async (end: 'a clean complete' | 'a TCP kill'): Promise<void> => {
          for (const { send, socket } of sockets) {
            if (end === 'a TCP kill') socket.terminate();
            else for (const id of ['a', 'b']) send({ id, type: 'complete' });
          }
          await expect.poll(() => here.services.hub.stats()).toMatchObject({ streams: 1, subscribers: 1 });
        },
        end: async (): Promise<void> => {
          for (const { socket } of [others, ...sockets]) socket.terminate();
          await expectNothing(here);
        },
      };
    };

    describe.each(['a clean complete', 'a TCP kill'] as const)('H03: after the last subscriber has left by %s', (end) => {
      it('its topic has no channel, and the post can be written to', async () => {
        const { here, followed, leave, end: endAll } = await followTwoPosts();
        await leave(end);
        expect(streamChannels(here)).toBe(1);
        await expect.poll(() => channels(here)).toHaveLength(1);
        await endAll();
        await expect(aComment(here, world.ben, followed)).resolves.toBeTruthy();
      });

      it('an event costs no SQL and is told to nobody', async () => {
        const { followed, fence, sockets, happen, leave, end: endAll } = await followTwoPosts();
        const both = await happen(followed, fence);
        await expect.poll(() => sockets.every(({ received }) => received.length === 2)).toBe(true);
        await leave(end);
        const [after, alone] = [await happen(followed, fence), await happen(fence)];
        expect(after).toEqual(alone);
        expect(both.length).toBeGreaterThan(after.length);
        for (const { received } of sockets) expect(received.filter(({ type }) => type === 'next')).toHaveLength(2);
        await endAll();
      });
    });

    it('H03: a state that was to be read a moment later is not read when its last subscriber has left by then', async () => {
      // A server of its own: nothing else asks it for anything.
      const app = await world.addApp({ STATE_MIN_INTERVAL_MS: '1000' });
      try {
        // Once more when this took so long that the moment had passed.
        while (!(await leaveBeforeRead(app)));
      } finally {
        await app.stop();
      }
    });

    /**
     * Leaves one state while its next read is put off, and waits for another one, which is to be read after it. False, with nothing left
     * behind, when one of them was read before the first was left.
     */
    const leaveBeforeRead = async (app: TestApp): Promise<boolean> => {
      const id = await newPost();
      const key = decodeId('Post', id, 'id');
      const socket = app.connect();
      let inTime = false;
      await app.countStatements(async (seen) => {
        const reads = (column: string): number => seen.filter((sql) => sql.includes(`post.${column}`)).length;
        const likes = socket.subscribe(LikeCountChanged, { id });
        await likes.data();
        // Its value, and what might have come since that was looked up: from here on it is too early to read again.
        await expect.poll(() => reads('like_count')).toBeGreaterThanOrEqual(2);
        const counts = socket.subscribe(CommentCountChanged, { id });
        await counts.data();
        await expect.poll(() => reads('comment_count')).toBeGreaterThanOrEqual(2);
        await world.database.query(
          `WITH changed AS (UPDATE post SET like_count = 1, comment_count = 1 WHERE id = $1::uuid)
           INSERT INTO head (topic, key, last_seq) SELECT topic, $1::text, 1 FROM unnest(ARRAY['likeCount', 'commentCount']) topic`,
          [key],
        );
        for (const topic of ['likeCount', 'commentCount']) busOf(app).wake({ topic, key, seq: 1 });
        likes.stop();
        await expect.poll(() => app.services.hub.stats()).toMatchObject({ streams: 1 });
        inTime = reads('like_count') === 2 && reads('comment_count') === 2;
        expect((await counts.data()).commentCountChanged.count).toBe(1);
        // Comes behind whatever else has been asked for by then.
        await app.data('{ categories { id } }');
        if (inTime) expect(reads('like_count')).toBe(2);
      });
      await socket.close();
      await expectNothing(app);
      return inTime;
    };
  });
};
