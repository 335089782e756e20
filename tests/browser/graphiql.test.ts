import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seedDemoData } from '../../src/demo/seed.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { like } from '../kit/acts.js';
import { findChromium, launchBrowser, screenshot } from '../kit/browser.js';
import { aPost, aSession } from '../kit/factories.js';
import { deferred } from '../kit/deferred.js';

const chromium = findChromium();

describe.skipIf(chromium === null)(
  `GraphiQL in a browser${chromium === null ? ' (there is no Chromium here: install one, or set CHROMIUM_PATH)' : ''}`,
  () => {
    let app: TestApp;
    let browser: Browser;
    let zoe: TestUser;
    beforeAll(async () => {
      // Tokens that end while a test runs, were they not renewed; the demo users are made as the process does it.
      app = await startTestApp({ env: { DEMO_DATA: 'true', JWT_ACCESS_TTL_SECONDS: '8' } });
      await seedDemoData(app.services);
      zoe = await app.user('zoe');
      browser = await launchBrowser(chromium ?? '');
      // One tab for all tests: the editor is large, and costs a fifth where it has been before.
      const context = await browser.newContext({
        viewport: { width: 1400, height: 900 },
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      context.setDefaultTimeout(120_000);
      page = await context.newPage();
      const note = (address: string): void => {
        const { protocol, host } = new URL(address);
        if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host);
      };
      page.on('request', (request) => note(request.url()));
      page.on('websocket', (socket) => note(socket.url()));
      page.on('pageerror', (error) => complaints.push(error.message));
      // A refusal of the content security policy is such a message too.
      page.on('console', (message) => {
        // Of a file that names no icon of its own (below) the browser asks for one.
        if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) complaints.push(message.text());
      });
    });
    afterAll(async () => {
      await browser.close();
      await app.stop();
    });

    let page: Page;
    let hosts = new Set<string>();
    let complaints: string[] = [];
    beforeEach(async () => {
      // From a file in which nothing runs: GraphiQL writes down what it has when it is left.
      await page.goto(new URL('/icon.svg', app.url).href);
      await page.evaluate('localStorage.clear(); sessionStorage.clear()');
      hosts = new Set();
      complaints = [];
      await page.goto(app.url);
      await editor('Operation').locator('.view-line').first().waitFor();
      return () => {
        expect(complaints).toEqual([]);
        expect([...hosts]).toEqual([new URL(app.url).host]);
      };
    });

    const editor = (name: 'Operation' | 'Variables' | 'Headers') =>
      page.locator(`section[aria-label="${name} Editor"], section[aria-label="${name}"]`).first();

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

    /** A token as the second tab gets it, of its own session. */
    const tokenBySignIn = async (): Promise<string> => {
      await openTab('SignIn');
      await run('SignIn');
      const token = /"accessToken":"([\w.-]+)"/.exec((await result('accessToken')).replaceAll(/\s/g, ''))?.[1] ?? '';
      expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      return token;
    };

    const signIn = async (on = page): Promise<void> => {
      await on.getByRole('button', { name: 'Sign in', exact: true }).click();
      await on.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
    };

    /** Everything that the browser keeps. */
    const kept = (): Promise<string> =>
      page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');

    /** A post of zoe's. */
    const newPost = async (): Promise<string> => (await aPost(app, await signedIn(zoe), { body: 'Watch me' })).id;
    /** Somebody with a token that is fresh: those of this server do not last. */
    const signedIn = (user: TestUser): Promise<TestUser> => aSession(app, user);

    test('is called Lyceum, and asks a query', async () => {
      expect(await page.title()).toBe('Lyceum');
      await run();
      expect(await result('entries')).toContain('"username"');
      await screenshot(page, 'graphiql-query');
    });

    test('signs in as a demo user with one click, for all tabs', async () => {
      await signIn();
      await openTab('SignIn');
      await run('Me');
      expect(await result('"email"')).toContain('"displayName": "Ada"');
      await screenshot(page, 'graphiql-signed-in');
      await openTab('Write');
      await run('Write');
      expect(await result('createPost')).toContain('"id"');
    });

    test('changes to another demo user, and signs out', async () => {
      await openTab('SignIn');
      await signIn();
      await page.getByLabel('Demo user').selectOption('ben');
      await run('Me');
      expect(await result('"email"')).toContain('"displayName": "Ben"');
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
      await run('Me');
      expect(await result('"me": null')).not.toContain('email');
    });

    test('signs in all of its windows, and again after a reload', async () => {
      const other = await page.context().newPage();
      await other.goto(app.url);
      await signIn();
      await other.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
      await other.close();
    });

    test('keeps no token and no header in the browser', async () => {
      await signIn();
      const token = await tokenBySignIn();
      await fill('Headers', JSON.stringify({ Authorization: `Bearer ${token}` }));
      await run('Me');
      await result('"email"');
      await expect.poll(kept).toContain('SignIn');
      expect(await kept()).not.toContain(token);
      expect(await kept()).not.toMatch(/headers[\\"]*:(?!null)/);
    });

    test('opens with the tabs that were there, after a reload', async () => {
      const tabs = page.locator('.graphiql-tab-button');
      await openTab('SignIn');
      await page.locator('section[aria-label="Operation Editor"] .monaco-editor, .graphiql-query-editor .monaco-editor').first().click();
      await page.keyboard.press('ControlOrMeta+Home');
      await page.keyboard.type('# mine\n');
      await expect.poll(kept).toContain('# mine');
      const before = await tabs.allInnerTexts();
      await page.reload();
      await tabs.first().waitFor();
      expect(await tabs.allInnerTexts()).toEqual(before);
      await page.locator('.view-line', { hasText: '# mine' }).waitFor();
    });

    test('keeps its documentation when the token in the headers has expired', async () => {
      const expired = zoe.token;
      await expect.poll(() => app.code('{ __typename }', {}, { token: expired })).toBe('UNAUTHENTICATED');
      await fill('Headers', JSON.stringify({ Authorization: `Bearer ${expired}` }));
      const introspection = page.waitForResponse((response) => response.request().postData()?.includes('IntrospectionQuery') === true);
      await page.getByRole('button', { name: /re-?fetch/i }).click();
      expect(await (await introspection).text()).toContain('__schema');
      await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
      await page.getByText('Root Types').waitFor();
      // The operations of the tab are refused, as they should be.
      complaints.length = 0;
      await run();
      expect(await result('UNAUTHENTICATED')).toContain('errors');
      complaints.length = 0;
    });

    test('keeps the token of an open subscription fresh', async () => {
      const postId = await newPost();
      await signIn();
      await openTab('Write');
      await fill('Variables', JSON.stringify({ postId }));
      const [opened, renewed] = [deferred<string>(), deferred<string>()];
      page.on('websocket', (socket) => {
        socket.on('framesent', ({ payload }) => {
          const text = String(payload);
          if (text.includes('connection_init')) opened.resolve(text);
          if (text.includes('"ping"')) renewed.resolve('renewed');
        });
        socket.on('close', () => renewed.resolve('closed'));
      });
      await run('Likes');
      expect(await result('likeCountChanged')).toContain('"count": 0');
      expect(await renewed.promise).toBe('renewed');
      const token = /eyJ[\w.-]+/.exec(await opened.promise)?.[0] ?? '';
      await expect.poll(() => app.code('{ __typename }', {}, { token })).toBe('UNAUTHENTICATED');
      await like(app, await signedIn(zoe), postId);
      expect(await result('"count": 1')).toContain('"body": "Watch me"');
      await screenshot(page, 'graphiql-subscription');
    });

    test('tells the socket the token of its headers', async () => {
      const token = await tokenBySignIn();
      await openTab('Write');
      await fill('Headers', JSON.stringify({ Authorization: `Bearer ${token}` }));
      const init = new Promise<string>((resolve) => {
        page.on('websocket', (socket) =>
          socket.on('framesent', ({ payload }) => String(payload).includes('connection_init') && resolve(String(payload))),
        );
      });
      await run('Likes');
      expect(await init).toContain(`Bearer ${token}`);
    });

    test('ends a subscription on the server when it is stopped', async () => {
      const postId = await newPost();
      await openTab('Write');
      await fill('Variables', JSON.stringify({ postId }));
      await run('Likes');
      await result('likeCountChanged');
      expect(app.services.hub.stats().subscribers).toBe(1);
      await page.locator('.graphiql-execute-button').click();
      await expect.poll(() => app.services.hub.stats().subscribers).toBe(0);
    });

    test('says why a socket was refused', async () => {
      await openTab('Write');
      await fill('Headers', JSON.stringify({ Authorization: 'Bearer nonsense' }));
      await run('Likes');
      expect(await result('The socket was closed')).toContain('4401 Invalid token');
    });
  },
);
