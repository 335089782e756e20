import { afterAll, beforeAll, expect, expectTypeOf, it } from 'vitest';
import { WebSocket } from 'ws';
import { createResumingClient } from '../../src/client/resuming-client.js';
import { typed, type TypedDocument } from '../../src/client/typed.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { aComment, aPost } from '../kit/factories.js';
import { CommentAdded, LikeCountChanged } from '../kit/subscriptions.js';

let app: TestApp;
let ada: TestUser;
let socket: ReturnType<typeof createResumingClient>;
beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
  socket = createResumingClient({
    url: app.url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    getAccessToken: () => ada.token,
  });
});
afterAll(async () => {
  await socket.dispose();
  await app.stop();
});

it('iterates over a subscription with the types of its document', async () => {
  const post = await aPost(app, ada);
  const comments = typed(socket).iterate(CommentAdded, { id: post.id, after: post.commentCursor });
  for (const body of ['First', 'Second']) await aComment(app, ada, post.id, { body });
  const bodies: string[] = [];
  for await (const { data } of comments) {
    expectTypeOf(data?.commentAdded.comment.body).toEqualTypeOf<string | undefined>();
    bodies.push(data?.commentAdded.comment.body ?? '');
    if (bodies.length === 2) break;
  }
  expect(bodies).toEqual(['First', 'Second']);
});

it('subscribes by callbacks, and takes a document that is a text with a type', async () => {
  const { id } = await aPost(app, ada);
  const text: TypedDocument<{ likeCountChanged: { count: number } }, { id: string }> =
    'subscription ($id: ID!) { likeCountChanged(postId: $id) { count } }';
  for (const document of [LikeCountChanged, text]) {
    const first = deferred<number | undefined>();
    const leave = typed(socket).subscribe(
      document,
      { id },
      {
        next: ({ data }) => first.resolve(data?.likeCountChanged.count),
        error: (error) => first.reject(error),
        complete: () => undefined,
      },
    );
    expect(await first.promise).toBe(0);
    leave();
  }
});
