import { generateKeyPairSync } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { aGroup, aMessage } from '../kit/factories.js';
import { freePort } from '../kit/free-port.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { describeWeb } from './kit.js';

const history = (page: Page) => page.getByRole('list', { name: 'Messages', exact: true });
const sent = (page: Page, text: string) => history(page).locator('article:not([data-state])').getByText(text, { exact: true });

describeWeb('a server that is killed under an open page', ({ open }) => {
  /** Another server on the same database, which lives on. */
  let other: TestApp;
  let server: ServerProcess;
  let start: () => Promise<ServerProcess>;
  beforeAll(async () => {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    other = await startTestApp({ env: { JWT_PRIVATE_KEY: key } });
    const env = { HOST: '127.0.0.1', PORT: String(await freePort()), DATABASE_URL: other.database.url, JWT_PRIVATE_KEY: key };
    // Without Redis one server hears of the other's writes when it looks.
    start = () => startServerProcess({ ...env, RECONCILE_MS: '250', LOG_LEVEL: 'warn' });
    server = await start();
  });
  afterAll(async () => {
    await server.end('SIGKILL');
    await other.stop();
  });

  test('says so in words, and when it is back has what others sent and delivers what was written, each once', async () => {
    const [zoe, ben] = [await other.user('zoe'), await other.user('ben')];
    const { id } = await aGroup(other, zoe, [ben], 'Still here');
    await aMessage(other, ben, id, 'Before');
    const { page, close, complaints } = await open(server, { as: zoe, path: `/messages/${encodeURIComponent(id)}` });
    const field = page.getByRole('textbox', { name: 'Write to Still here' });
    await sent(page, 'Before').waitFor();
    await field.fill('Half a sen');

    await server.end('SIGKILL');
    await page.getByText('Reconnecting…').waitFor();
    await aMessage(other, ben, id, 'Meanwhile, elsewhere');
    await field.pressSequentially('tence');
    await page.keyboard.press('Enter');
    await history(page).getByText('Waits for the connection').waitFor();
    await field.fill('And a draft');

    server = await start();
    await page.getByText(/^Back\./).waitFor();
    await aMessage(other, ben, id, 'Afterwards');
    for (const text of ['Meanwhile, elsewhere', 'Half a sentence', 'Afterwards']) await sent(page, text).waitFor();
    expect(await history(page).locator('article').count()).toBe(4);
    expect(await field.inputValue()).toBe('And a draft');
    const { conversation } = await other.data<{ conversation: { messages: { nodes: readonly { body: string }[] } } }>(
      'query ($id: ID!) { conversation(id: $id) { messages { nodes { body } } } }',
      { id },
      ben,
    );
    const bodies = conversation.messages.nodes.map(({ body }) => body).sort();
    expect(bodies).toEqual(['Afterwards', 'Before', 'Half a sentence', 'Meanwhile, elsewhere']);
    // The browser tells of the server that was not there.
    complaints();
    await close();
  });
});
