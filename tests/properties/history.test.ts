import { setTimeout as delay } from 'node:timers/promises';
import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinRoom, leaveConversation, like, unlike } from '../kit/acts.js';
import type { TestApp, TestUser } from '../kit/app.js';
import { connect } from '../kit/client.js';
import { SendMessage, aComment, aMessage, aPost, aRoom } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { CommentCountChanged, LikeCountChanged } from '../kit/subscriptions.js';
import { createReader, createWorld, startOwnRedis, type OwnRedis, type Reader, type World } from '../realtime/hazard-world.js';

/** What may happen, in any order and to some degree at once. Numbers stand for whichever there is, modulo how many there are. */
type Step =
  | { readonly kind: 'send'; readonly app: number; readonly by: number }
  | { readonly kind: 'subscribe'; readonly reader: number; readonly app: number; readonly from: number | null }
  | { readonly kind: 'drop'; readonly reader: number }
  | { readonly kind: 'resume'; readonly reader: number; readonly app: number }
  | { readonly kind: 'leave'; readonly app: number }
  | { readonly kind: 'join'; readonly app: number }
  | { readonly kind: 'comment'; readonly app: number; readonly by: number }
  | { readonly kind: 'like'; readonly app: number; readonly by: number }
  /** Waits for all that was begun. */
  | { readonly kind: 'wait' };

const place = fc.nat({ max: 11 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), app: place, by: place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), reader: place, app: place, from: fc.option(place) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), reader: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resume' as const), reader: place, app: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), app: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('join' as const), app: place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('comment' as const), app: place, by: place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('like' as const), app: place, by: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);

graphql(`
  fragment HistoryComment on Comment {
    id
    body
    author {
      username
    }
  }
`);
const Comments = graphql(`
  subscription HistoryComments($id: ID!, $after: String) {
    commentAdded(postId: $id, after: $after) {
      comment {
        ...HistoryComment
      }
    }
  }
`);
const PostState = graphql(`
  query HistoryPostState($id: ID!) {
    post(id: $id) {
      likeCount
      commentCount
      commentCursor
      comments(first: 100) {
        nodes {
          ...HistoryComment
        }
      }
    }
  }
`);
const MessagesOf = graphql(`
  query HistoryMessagesOf($id: ID!) {
    conversation(id: $id) {
      messages(first: 100) {
        nodes {
          body
        }
      }
    }
  }
`);

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

for (const [bus, env, apps] of [
  ['two servers without a bus', () => ({ RECONCILE_MS: '50' }), 2],
  ['three servers, Redis', () => redis.env, 3],
] as const) {
  describe(`histories, ${bus}`, () => {
    let world: World;
    let carl: TestUser;
    beforeAll(async () => {
      world = await createWorld({ apps, env: env() });
      carl = await world.apps[0].user('carl');
    });
    afterAll(() => world.stop());

    const appOf = (n: number): TestApp => world.apps[n % apps] ?? world.apps[0];

    /** One run, in a room and under a post of its own. */
    const run = async (steps: readonly Step[]): Promise<void> => {
      const { ada, ben } = world;
      const [first] = world.apps;
      const { id: room, joinCode, cursor: start } = await aRoom(first, ada);
      const { id: post } = await aPost(first, ada);
      const join = (app: TestApp, who: TestUser): Promise<unknown> => joinRoom(app, who, joinCode);
      await join(first, ben);
      await join(first, carl);

      const users = [ada, ben, carl];
      /** Cursors that somebody may know, each with how many messages are before it. */
      const cursors: { readonly cursor: string; readonly body: string | null }[] = [{ cursor: start, body: null }];
      interface Following {
        readonly who: TestUser;
        readonly reader: Reader;
        /** The message after which it began; undefined when it began with what was new. */
        readonly from: string | null | undefined;
        /** What had been acknowledged before it subscribed. */
        readonly known: readonly (string | null)[];
      }
      const readers: Following[] = [];
      const liked = new Set<TestUser>();
      const carlIs = { in: true };
      let bodies = 0;
      let underWay: Promise<unknown>[] = [];
      const settle = async (): Promise<void> => {
        await Promise.all(underWay);
        underWay = [];
      };
      const send = async (app: TestApp, who: TestUser): Promise<void> => {
        bodies += 1;
        const body = `message ${bodies}`;
        const { data } = await app.execute(SendMessage, { input: { conversationId: room, body } }, who);
        // Carl may just have left.
        if (data?.sendMessage) cursors.push({ cursor: data.sendMessage.cursor, body });
        else expect(who).toBe(carl);
      };

      // What somebody has who reads the post once and follows it from there.
      const { post: seenPost } = await first.data(PostState, { id: post }, ada);
      const socket = connect(appOf(1).url, ben.token);
      const comments = socket.subscribe(Comments, { id: post, after: seenPost.commentCursor });
      const likes = socket.subscribe(LikeCountChanged, { id: post });
      const counts = socket.subscribe(CommentCountChanged, { id: post });

      const take: { readonly [Kind in Step['kind']]: (step: Extract<Step, { kind: Kind }>) => void | Promise<void> } = {
        send: ({ app, by }) => void underWay.push(send(appOf(app), users[by % 3] ?? ada)),
        subscribe: ({ reader, app, from }) => {
          const who = users[reader % 3] ?? ada;
          const known = from === null ? undefined : cursors[from % cursors.length];
          const following = {
            who,
            reader: createReader(who, room, known?.cursor ?? null),
            from: known?.body,
            known: cursors.map(({ body }) => body),
          };
          readers.push(following);
          following.reader.connect(appOf(app));
        },
        drop: ({ reader }) => readers[reader % Math.max(readers.length, 1)]?.reader.drop(),
        resume: ({ reader, app }) => readers[reader % Math.max(readers.length, 1)]?.reader.connect(appOf(app)),
        leave: async ({ app }) => {
          await settle();
          if (!carlIs.in) return;
          carlIs.in = false;
          await leaveConversation(appOf(app), carl, room);
        },
        join: async ({ app }) => {
          await settle();
          carlIs.in = true;
          await join(appOf(app), carl);
        },
        comment: ({ app, by }) => {
          bodies += 1;
          const body = `comment ${bodies}`;
          underWay.push(aComment(appOf(app), users[by % 3] ?? ada, post, { body }));
        },
        like: async ({ app, by }) => {
          const who = users[by % 3] ?? ada;
          await settle();
          const likes = !liked.delete(who);
          if (likes) liked.add(who);
          underWay.push((likes ? like : unlike)(appOf(app), who, post));
        },
        wait: () => settle(),
      };
      try {
        for (const each of steps) await (take[each.kind] as (step: Step) => void | Promise<void>)(each);
        await settle();
        if (!carlIs.in) await join(first, carl);

        // Everybody comes back, and one more thing happens: whoever has that has all there is.
        for (const { reader } of readers) reader.connect(first);
        const { conversation } = await first.data(MessagesOf, { id: room }, ada);
        const history = present(conversation.messages).nodes.map(({ body }) => present(body));
        const say = async (body: string): Promise<void> => {
          await aMessage(first, ada, room, body);
          history.push(body);
        };
        // Who begins with what is new may still be on the way.
        while (readers.some(({ reader }) => reader.bodies.length === 0)) {
          await say(`more ${history.length}`);
          await delay(20);
        }
        await say('last');
        await expect.poll(() => readers.filter(({ reader }) => reader.bodies.at(-1) !== 'last')).toEqual([]);
        for (const { reader, from, known } of readers) {
          if (from !== undefined) expect(reader.bodies).toEqual(history.slice(from === null ? 0 : history.indexOf(from) + 1));
          else {
            // Some end of it, in order and without a hole, and nothing from before.
            expect(reader.bodies).toEqual(history.slice(history.length - reader.bodies.length));
            expect(known.filter((body) => body !== null && reader.bodies.includes(body))).toEqual([]);
          }
        }

        const { post: fresh } = await first.data(PostState, { id: post }, ada);
        const added: unknown[] = [];
        while (added.length < fresh.commentCount) added.push((await comments.data()).commentAdded.comment);
        expect([...seenPost.comments.nodes, ...added]).toEqual(fresh.comments.nodes);
        await expectLast(likes, ({ likeCountChanged }) => likeCountChanged.count, fresh.likeCount);
        await expectLast(counts, ({ commentCountChanged }) => commentCountChanged.count, fresh.commentCount);
        expect(fresh.likeCount).toBe(liked.size);
        expect(comments.waiting()).toBe(0);
      } finally {
        await Promise.allSettled(underWay);
        for (const { reader } of readers) reader.drop();
        await socket.close();
      }
    };

    it('H06: whoever comes, goes and comes back wherever has what the database has, once and in order; state and events make a fresh query', async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), run), {
        numRuns: 25,
        interruptAfterTimeLimit: 90_000,
        markInterruptAsFailure: true,
      });
    });
  });
}

/** What a state ends with: values may be left out, so what matters is the one after which none comes. */
const expectLast = async <Data>(
  values: { readonly data: () => Promise<Data>; readonly waiting: () => number },
  of: (data: Data) => number,
  last: number,
): Promise<void> => {
  let value = of(await values.data());
  while (value !== last || values.waiting() > 0) value = of(await values.data());
  expect(value).toBe(last);
};
