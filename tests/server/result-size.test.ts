import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aPost } from '../kit/factories.js';

const LIMIT = 20_000;
const TEXT = 'x'.repeat(5_000);

let app: TestApp;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp({ env: { MAX_RESULT_LENGTH: String(LIMIT), QUERY_CACHE_BYTES: '1000000' } });
  ada = await app.user('ada');
  await aPost(app, ada, { body: TEXT });
});
afterAll(() => app.stop());

const often = (count: number): string =>
  `{ posts(first: 1) { nodes { ${Array.from({ length: count }, (_, n) => `a${n}: body`).join(' ')} } } }`;

describe('an answer that would be longer than is allowed', () => {
  it.each([
    ['shared by all', {}],
    ['of one viewer', undefined],
  ])('%s is OPERATION_TOO_COMPLEX instead, and a shorter one is given', async (_what, as) => {
    const viewer = as ?? ada;
    const query = (count: number): string => (as === undefined ? often(count).replace('{ posts', '{ me { id } posts') : often(count));
    expect((await app.execute(query(3), {}, viewer)).errors).toBeUndefined();
    const { data, errors } = await app.execute(query(4), {}, viewer);
    expect(data ?? null).toBeNull();
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_COMPLEX', limit: LIMIT });
  });

  it('as an event is one without data, and the next ones come', async () => {
    const many = Array.from({ length: 4 }, (_, n) => `a${n}: post { body }`).join(' ');
    const { id, commentCursor: after } = await aPost(app, ada, { body: TEXT });
    const events = app
      .connect(ada)
      .subscribe(`subscription ($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { comment { id body } ${many} } }`, {
        id,
        after,
      });
    const comment = `mutation ($id: ID!, $body: String!) { addComment(input: { postId: $id, body: $body }) { comment { id } } }`;
    const short = app
      .connect(ada)
      .subscribe(`subscription ($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { comment { body } } }`, {
        id,
        after,
      });
    await app.data(comment, { id, body: 'one' }, ada);
    expect(await short.data()).toEqual({ commentAdded: { comment: { body: 'one' } } });
    expect((await events.next()).errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_COMPLEX', limit: LIMIT });
  });
});
