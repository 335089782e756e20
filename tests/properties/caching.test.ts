import { generateKeyPairSync } from 'node:crypto';
import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LikePost, UnlikePost } from '../kit/acts.js';
import type { As } from '../kit/api.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { GraphQLResponse } from '../kit/client.js';
import { AddComment, CreateEntry, CreatePost, FollowUser } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { startRedis, type TestRedis } from '../kit/redis.js';

/** What is read: some of it is the same for everyone, some for all who are not signed in, some for one viewer alone. */
const READS = [
  '{ posts(first: 5) { nodes { id body likeCount author { displayName } comments(last: 3) { nodes { body author { displayName } } } } } }',
  '{ posts(first: 5) { totalCount nodes { id viewerHasLiked author { viewerFollows } } } }',
  '{ entries(first: 10) { nodes { title isPublic likeCount } } }',
  '{ user(username: "ann") { displayName followers { totalCount } posts(first: 3) { totalCount edges { cursor node { body } } } } }',
  '{ me { user { displayName } unreadNotificationCount } posts(first: 1) { nodes { body } } }',
] as const;
const NAMES = ['ann', 'bob'] as const;
type Name = (typeof NAMES)[number];
/** The last one is nobody in particular. */
const VIEWERS = [...NAMES, null] as const;

const LastPost = graphql(`
  query CachingLastPost {
    posts(first: 1) {
      nodes {
        id
      }
    }
  }
`);
const Rename = graphql(`
  mutation CachingRename($displayName: String!) {
    updateProfile(input: { displayName: $displayName }) {
      user {
        id
      }
    }
  }
`);

/** What a write is about: a text that is new, the last post and the one who does not write. */
interface About {
  readonly text: string;
  readonly post: string;
  readonly other: string;
}
type Write = (app: TestApp, as: As, about: About) => Promise<GraphQLResponse<unknown>>;
const WRITES = {
  post: (app, as, { text }) => app.execute(CreatePost, { input: { body: text } }, as),
  comment: (app, as, { text, post }) => app.execute(AddComment, { input: { postId: post, body: text } }, as),
  like: (app, as, { post }) => app.execute(LikePost, { postId: post }, as),
  unlike: (app, as, { post }) => app.execute(UnlikePost, { postId: post }, as),
  name: (app, as, { text }) => app.execute(Rename, { displayName: text }, as),
  entry: (app, as, { text }) => app.execute(CreateEntry, { input: { title: text, content: text } }, as),
  secret: (app, as, { text }) => app.execute(CreateEntry, { input: { title: text, content: text, isPublic: false } }, as),
  follow: (app, as, { other }) => app.execute(FollowUser, { userId: other }, as),
} satisfies Readonly<Record<string, Write>>;

const write = fc.record({
  kind: fc.constant('write' as const),
  who: fc.constantFrom(...NAMES),
  at: fc.nat({ max: 1 }),
  what: fc.constantFrom(...(Object.keys(WRITES) as (keyof typeof WRITES)[])),
});
const read = fc.record({
  kind: fc.constant('read' as const),
  who: fc.constantFrom(...VIEWERS),
  at: fc.nat({ max: 1 }),
  what: fc.nat({ max: READS.length - 1 }),
  times: fc.integer({ min: 1, max: 3 }),
});

let redis: TestRedis;
/** Two that keep answers, and one that keeps none: it tells what is right. */
let apps: readonly TestApp[];
let oracle: TestApp;
const users = new Map<Name, TestUser>();

beforeAll(async () => {
  redis = await startRedis();
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const env = { REDIS_URL: redis.url, JWT_PRIVATE_KEY: key };
  oracle = await startTestApp({ env });
  apps = await Promise.all([1, 2].map(() => startTestApp({ env: { ...env, QUERY_CACHE_BYTES: '1000000' }, database: oracle.database })));
  for (const name of NAMES) users.set(name, await oracle.user(name));
});
afterAll(async () => {
  for (const app of [...apps, oracle]) await app.stop();
  await redis.stop();
});

/** A viewer who sends back what their last write was answered with. */
const asOne = (who: Name | null, commit?: string): As => ({
  ...(who === null ? {} : users.get(who)),
  headers: commit === undefined ? {} : { 'x-lyceum-commit': commit },
});
const ask = (app: TestApp, who: Name | null, query: string, commit?: string) => app.execute(query, {}, asOne(who, commit));
const appOf = (at: number): TestApp => apps[at] ?? oracle;

/** What every viewer may see of everything, as a moment leaves it. */
type Moment = ReadonlyMap<string, string>;
const keyOf = (who: Name | null, what: number): string => `${who ?? 'nobody'} ${what}`;
const look = async (): Promise<Moment> => {
  const seen = VIEWERS.flatMap((who) =>
    READS.map(async (query, what) => [keyOf(who, what), JSON.stringify((await ask(oracle, who, query)).data)] as const),
  );
  return new Map(await Promise.all(seen));
};

describe('kept answers', () => {
  it('never show a viewer the past of their own writes, nor anything that is not theirs, on any process', async () => {
    let count = 0;
    const property = fc.asyncProperty(
      fc.array(fc.oneof({ weight: 2, arbitrary: read }, { weight: 1, arbitrary: write }), { minLength: 10, maxLength: 40 }),
      async (acts) => {
        const history = [await look()];
        /** By viewer: the last write they know of, and the moment after it. */
        const known = new Map<Name | null, { readonly commit: string; readonly moment: number }>();
        for (const act of acts) {
          const app = appOf(act.at);
          if (act.kind === 'write') {
            count += 1;
            const post = (await oracle.data(LastPost)).posts.nodes[0]?.id ?? '';
            const other = users.get(act.who === 'ann' ? 'bob' : 'ann')?.id ?? '';
            const { extensions } = await WRITES[act.what](app, asOne(act.who), { text: `text ${count}`, post, other });
            history.push(await look());
            known.set(act.who, { commit: String(extensions?.['commit']), moment: history.length - 1 });
          } else {
            const own = known.get(act.who);
            for (let time = 0; time < act.times; time += 1) {
              const { data } = await ask(app, act.who, READS[act.what] ?? '', own?.commit);
              const allowed = history.slice(own?.moment ?? 0).map((moment) => moment.get(keyOf(act.who, act.what)));
              expect(allowed).toContain(JSON.stringify(data));
            }
          }
        }
        // What others have written reaches every process.
        const last = history.at(-1);
        for (const app of apps)
          for (const who of VIEWERS)
            for (const [what, query] of READS.entries())
              await expect
                .poll(async () => JSON.stringify((await ask(app, who, query)).data), { timeout: 10_000 })
                .toBe(last?.get(keyOf(who, what)));
      },
    );
    await fc.assert(property, { numRuns: 6, interruptAfterTimeLimit: 100_000 });
  }, 240_000);
});
