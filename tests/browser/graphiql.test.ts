import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { findChromium, launchBrowser, screenshot } from '../kit/browser.js';

const chromium = findChromium();

describe.skipIf(chromium === null)(`GraphiQL in a browser${chromium === null ? ' (there is no Chromium here: install one, or set CHROMIUM_PATH)' : ''}`, () => {
  let app: TestApp;
  let browser: Browser;
  let ben: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    ben = await app.user('ben');
    // Who the example tabs sign in as.
    await app.data('mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }', {
      input: { username: 'ada', email: 'ada@example.com', password: 'lyceum-demo' },
    });
    browser = await launchBrowser(chromium ?? '');
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });

  let page: Page;
  let hosts: Set<string>;
  let complaints: string[];
  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    hosts = new Set();
    complaints = [];
    const note = (address: string): void => {
      const { protocol, host } = new URL(address);
      if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host);
    };
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    // A refusal of the content security policy is such a message too.
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(app.url);
    await editor('Operation').locator('.view-line').first().waitFor();
    return async () => {
      await context.close();
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([new URL(app.url).host]);
    };
  });

  const editor = (name: 'Operation' | 'Variables' | 'Headers') => page.locator(`section[aria-label="${name} Editor"], section[aria-label="${name}"]`).first();

  const openTab = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();

  /** Pastes text into the editor of variables or headers, in place of what is there; typed, the editor would close its brackets. */
  const fill = async (name: 'Variables' | 'Headers', text: string): Promise<void> => {
    await page.getByRole('button', { name, exact: true }).click();
    await page.locator('.graphiql-editor-tool .monaco-editor:visible').click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
    await page.keyboard.press('ControlOrMeta+V');
  };

  /** Runs an operation of the tab, by its name where there are several. */
  const run = async (name?: string): Promise<void> => {
    // Once the page has understood that there are several, the button opens a menu.
    await page.locator(`.graphiql-execute-button${name === undefined ? '' : '[aria-haspopup="menu"]'}`).click();
    if (name !== undefined) await page.getByRole('menuitem', { name, exact: true }).click();
  };

  /** What the page shows as the result, once it shows what is waited for. */
  const result = async (containing: string): Promise<string> => {
    const lines = page.locator('.result-window .view-lines');
    await lines.filter({ hasText: containing }).waitFor();
    // Monaco shows spaces as no-break spaces.
    return (await lines.innerText()).replaceAll('\u00a0', ' ');
  };

  const signIn = async (): Promise<string> => {
    await openTab('SignIn');
    await run('SignIn');
    const token = /"accessToken":"([\w.-]+)"/.exec((await result('accessToken')).replaceAll(/\s/g, ''))?.[1] ?? '';
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    return token;
  };

  test('is called Lyceum, and asks a query', async () => {
    expect(await page.title()).toBe('Lyceum');
    await run();
    expect(await result('entries')).toContain('"edges": []');
    await screenshot(page, 'graphiql-query');
  });

  test('signs in, and asks who is signed in with the token in its headers', async () => {
    const token = await signIn();
    await run('Me');
    expect(await result('"me"')).toContain('"me": null');
    await fill('Headers', JSON.stringify({ Authorization: `Bearer ${token}` }));
    await run('Me');
    expect(await result('ada@example.com')).toContain('"displayName": "ada"');
    await screenshot(page, 'graphiql-signed-in');
  });

  test('shows an event that another client has caused, with the token on the socket', async () => {
    const { createPost } = await app.data<{ createPost: { post: { id: string } } }>('mutation { createPost(input: { body: "Watch me" }) { post { id } } }', {}, ben);
    const postId = createPost.post.id;
    const token = await signIn();
    await openTab('Write');
    await fill('Headers', JSON.stringify({ Authorization: `Bearer ${token}` }));
    await fill('Variables', JSON.stringify({ postId }));
    await run('Likes');
    expect(await result('likeCountChanged')).toContain('"count": 0');

    // Ada is present by the token that her socket was opened with.
    const other = app.connect(ben);
    const { users } = await app.data<{ users: { edges: { node: { id: string; username: string } }[] } }>('{ users(first: 10) { edges { node { id username } } } }');
    const adaId = users.edges.find(({ node }) => node.username === 'ada')?.node.id;
    const presence = other.subscribe<{ presenceChanged: { status: string } }>('subscription ($id: ID!) { presenceChanged(userIds: [$id]) { status } }', { id: adaId });
    while ((await presence.data()).presenceChanged.status !== 'ONLINE');

    await other.execute('mutation ($postId: ID!) { likePost(input: { postId: $postId }) { likeCount } }', { postId });
    expect(await result('"count": 1')).toContain('"body": "Watch me"');
    await screenshot(page, 'graphiql-subscription');

    // Stopping it ends it on the server too.
    await page.locator('.graphiql-execute-button').click();
    while ((await presence.data()).presenceChanged.status !== 'OFFLINE');
    await other.close();
  });

  test('says why a socket was refused', async () => {
    await openTab('Write');
    await run('Likes');
    expect(await result('The socket was closed')).toContain('4401 Invalid token');
  });
});
