import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { connect } from '../kit/client.js';
import { aMessage, aRoom } from '../kit/factories.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { MessageAdded } from '../kit/subscriptions.js';

let app: TestApp;
let ada: TestUser;
let proxy: Proxy;
beforeAll(async () => {
  app = await startTestApp({ env: { PING_INTERVAL_MS: '1000' } });
  ada = await app.user('ada');
  proxy = await startProxy(app.url);
});
afterAll(async () => {
  await app.stop();
  await proxy.stop();
});

test('H19: a peer that answers no ping gets one, and is cut when the second is due', async () => {
  const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws', { autoPong: false });
  let pings = 0;
  socket.on('ping', () => (pings += 1));
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
  const code = await new Promise((resolve) => socket.on('close', resolve));
  expect({ code, pings }).toEqual({ code: 1006, pings: 1 });
});

test('H19: a peer that answers is kept', async () => {
  const socket = new WebSocket(app.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
  for (let pings = 0; pings < 2; pings += 1) {
    await new Promise((resolve, reject) => {
      socket.once('ping', resolve);
      socket.once('close', reject);
    });
  }
  socket.terminate();
});

test('H19: a link that swallows everything is given up, and its peer resumes over another without missing anything', async () => {
  const { id, cursor } = await aRoom(app, ada);
  const send = (body: string): Promise<unknown> => aMessage(app, ada, id, body);
  const { subscribers } = app.services.hub.stats();

  const before = connect(proxy.url, ada.token);
  const messages = before.subscribe(MessageAdded, { id, after: cursor });
  await send('first');
  const { messageAdded } = await messages.data();
  expect(messageAdded.message.body).toBe('first');

  proxy.blackHole();
  await send('into the hole');
  // The link is there and silent for ever; only new ones go through.
  proxy.forget();
  await expect.poll(() => app.services.hub.stats().subscribers).toBe(subscribers);
  await send('while nobody is here');
  expect(messages.waiting()).toBe(0);

  const after = connect(proxy.url, ada.token);
  const resumed = after.subscribe(MessageAdded, { id, after: messageAdded.cursor });
  const missed = await resumed.take(2);
  await send('last');
  const [last] = await resumed.take(1);
  expect([...missed, last].map((event) => event?.messageAdded.message.body)).toEqual(['into the hole', 'while nobody is here', 'last']);
  await after.close();
  before.terminate();
});
