import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { openRawSocket, type RawSocket } from '../kit/raw-socket.js';
import { LikeCountChanged } from '../kit/subscriptions.js';
import { bytesInUse } from '../realtime/hazard-world.js';

const COUNT = 60;
const LONG = 900_000;
const KEPT_BYTES = 10_000_000;

let app: TestApp;
let post: string;
beforeAll(async () => {
  app = await startTestApp({ env: { LOG_LEVEL: 'silent', MAX_SUBSCRIPTIONS_PER_SOCKET: '100' } });
  const ada = await app.user('ada');
  ({ id: post } = await aPost(app, ada));
});
afterAll(() => app.stop());

const open = async (): Promise<RawSocket> => {
  const raw = await openRawSocket(app.url);
  raw.send({ type: 'connection_init' });
  await raw.next();
  return raw;
};

interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}
/** Subscribes often, and resolves with the bytes that are kept afterwards and with the messages of the server. */
const keep = async (asked: (text: string) => Asked): Promise<{ readonly bytes: number; readonly answers: readonly unknown[] }> => {
  const raw = await open();
  const ask = async (index: number): Promise<unknown> => {
    const text = String(index)
      .padStart(4, '0')
      .repeat(LONG / 4);
    raw.send({ type: 'subscribe', id: String(index), payload: asked(text) });
    // One that is refused is completed after its answer.
    for (;;) {
      const { type, payload } = await raw.next();
      if (type === 'next') return payload;
    }
  };
  await ask(0);
  const before = await bytesInUse();
  const answers: unknown[] = [];
  for (let index = 1; index <= COUNT; index += 1) answers.push(await ask(index));
  const bytes = (await bytesInUse()) - before;
  raw.socket.close();
  await raw.closed;
  return { bytes, answers };
};

describe('what a subscription keeps of its request', () => {
  it('is nothing of variables that it does not declare', async () => {
    const query = LikeCountChanged.toString();
    const { bytes, answers } = await keep((text) => ({ query, variables: { id: post, text } }));
    expect(answers).toEqual(answers.map(() => ({ data: { likeCountChanged: { count: 0 } } })));
    expect(bytes).toBeLessThan(KEPT_BYTES);
  });

  for (const [name, asked] of Object.entries({
    'variables, though no event needs them': (text: string): Asked => ({
      query:
        'subscription ($id: ID!, $text: String) { likeCountChanged(postId: $id) { count post @skip(if: true) { comments(after: $text) { totalCount } } } }',
      variables: { id: post, text },
    }),
    'a document': (text: string): Asked => ({
      query: `subscription ($id: ID!) { likeCountChanged(postId: $id) { count } } # ${text}`,
      variables: { id: post },
    }),
  })) {
    it(`is bounded: too long ${name}, is refused`, async () => {
      const { bytes, answers } = await keep(asked);
      const refusal = { errors: [expect.objectContaining({ extensions: { code: 'OPERATION_TOO_COMPLEX', limit: 65_536 } })] };
      expect(answers).toEqual(answers.map(() => refusal));
      // The cache of documents is bounded by itself.
      expect(bytes).toBeLessThan(KEPT_BYTES + 64_000_000);
    });
  }
});
