import { afterAll, beforeAll, expect, it } from 'vitest';
import { RefreshSession } from '../kit/acts.js';
import { COUNTED, PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aSession, LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: COUNTED });
  ada = await app.user('ada');
});
afterAll(() => app.stop());

/** Calls until it is refused; how often it was done. */
const countUntilLimited = async (document: string, variables: () => object): Promise<number> => {
  for (let done = 0; ; done += 1) {
    const code = await app.code(document, variables(), ada);
    if (code === 'RATE_LIMITED') return done;
    expect(code).toBeUndefined();
    expect(done).toBeLessThan(1_000);
  }
};

it('every mutation is counted, each by itself, though it names no limit', async () => {
  const { createPost } = await app.data(graphql(`mutation LimitsCreatePost { createPost(input: { body: "x" }) { post { id } } }`), {}, ada);
  const id = createPost.post.id;
  const like = graphql(`mutation LimitsLike($id: ID!) { likePost(input: { postId: $id }) { likeCount } }`);
  expect(await countUntilLimited(like.toString(), () => ({ id }))).toBe(120);
  expect(await app.code('mutation ($id: ID!) { unlikePost(input: { postId: $id }) { likeCount } }', { id }, ada)).toBeUndefined();
});

it('one account opens so many rooms that the codes last', async () => {
  expect(await countUntilLimited('mutation { createRoom(input: {}) { conversation { id } } }', () => ({}))).toBe(50);
});

it('what is refused for its input is not counted', async () => {
  const document = graphql(`mutation LimitsDocument { createGroup(input: { title: "", memberIds: [] }) { conversation { id } } }`);
  for (let attempt = 0; attempt < 101; attempt += 1) expect(await app.code(document, {}, ada)).toBe('BAD_USER_INPUT');
});

it('who guesses beyond the allowance of an address makes nobody else wait who is behind it', async () => {
  const guess = (token: string): string =>
    `mutation { ${Array.from({ length: 20 }, (_, n) => `guess${n}: verifyEmail(input: { token: "${token}" }) { user { id } }`).join(' ')} }`;
  const codesOf = async (token: string): Promise<unknown[]> =>
    ((await app.execute(guess(token))).errors ?? []).map(({ extensions }) => extensions?.['code']);
  const wrong = '0'.repeat(64);
  expect(new Set(await codesOf(wrong))).toEqual(new Set(['BAD_USER_INPUT']));
  while (!(await codesOf(wrong)).includes('RATE_LIMITED')) continue;
  await codesOf(wrong);
  expect(new Set(await codesOf(wrong))).toEqual(new Set(['RATE_LIMITED']));
  expect(await app.code(LogIn, { identifier: 'ada', password: PASSWORD })).toBeUndefined();
  expect(await app.code(RefreshSession, { refreshToken: ada.refreshToken })).toBeUndefined();
  const passkey = '{ startPasskeyLogin { token } }';
  for (let n = 0; n < 10; n += 1) expect(await app.code(`mutation ${passkey}`)).toBeUndefined();
  expect(await app.code('mutation { logout { ok } }', {}, await aSession(app, ada))).toBeUndefined();
  // Another link is looked at, five times.
  expect((await codesOf('1'.repeat(64))).filter((code) => code !== 'RATE_LIMITED').length).toBe(5);
});
