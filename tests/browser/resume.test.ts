import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { aComment, aPost } from '../kit/factories.js';
import { startProxy, type Proxy } from '../kit/proxy.js';
import { CommentAdded } from '../kit/subscriptions.js';

const chromium = findChromium();

/** The client as a frontend's bundler makes a script of it, which gives it the name `lyceum`. */
const bundle = async (): Promise<string> => {
  const entry = fileURLToPath(new URL('../../src/client/resuming-client.ts', import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: 'warn',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'lyceum', fileName: 'client' } },
  });
  const outputs = Array.isArray(result) ? result.flatMap(({ output }) => output) : 'output' in result ? result.output : [];
  const [script] = outputs;
  if (script?.type !== 'chunk') throw new Error('There is no script.');
  return script.code;
};

/** What the page runs: a client that notes in `bodies` all that it gets. */
const script = (given: { readonly url: string; readonly token: string; readonly id: string; readonly after: string }): string => `
  window.bodies = [];
  window.client = lyceum.createResumingClient({
    url: ${JSON.stringify(given.url)},
    getAccessToken: () => ${JSON.stringify(given.token)},
    backoff: { firstMs: 20, maxMs: 200 },
    keepAlive: 100,
    pongTimeoutMs: 300,
  });
  client.subscribe(
    {
      query: ${JSON.stringify(CommentAdded)},
      variables: ${JSON.stringify({ id: given.id, after: given.after })},
    },
    {
      next: ({ data }) => bodies.push(data.commentAdded.comment.body),
      error: (error) => bodies.push(String(error)),
      complete: () => bodies.push('complete'),
    },
  );
  0`;

describe.skipIf(chromium === null)(
  `the resuming client in a browser${chromium === null ? ' (there is no Chromium here: install one, or set CHROMIUM_PATH)' : ''}`,
  () => {
    let app: TestApp;
    let proxy: Proxy;
    let browser: Browser;
    let ada: TestUser;
    beforeAll(async () => {
      app = await startTestApp();
      [proxy, ada, browser] = await Promise.all([startProxy(app.url), app.user('ada'), launchBrowser(chromium ?? '')]);
    });
    afterAll(async () => {
      await browser.close();
      await proxy.stop();
      await app.stop();
    });

    interface Follower {
      /** Adds a comment to the post that is followed. */
      readonly comment: (body: string) => Promise<void>;
      /** What the page has got, once that is so much. */
      readonly got: (count: number) => Promise<unknown>;
      readonly dispose: () => Promise<unknown>;
    }

    /** A page whose client follows the comments of a new post through the proxy. */
    const follow = async (): Promise<Follower> => {
      const { id, commentCursor } = await aPost(app, ada);
      const page = await browser.newPage();
      page.setDefaultTimeout(20_000);
      await page.goto(new URL('/healthz', app.url).href);
      await page.addScriptTag({ content: await bundle() });
      await page.evaluate(script({ url: proxy.url.replace(/^http/, 'ws'), token: ada.token, id, after: commentCursor }));
      return {
        comment: async (body) => {
          await aComment(app, ada, id, { body });
        },
        got: async (count) => {
          await page.waitForFunction(`bodies.length >= ${count}`);
          return await page.evaluate('bodies');
        },
        dispose: () => page.evaluate('client.dispose()'),
      };
    };

    test('H06: gets every event once and in order, though its connection is cut', async () => {
      const { comment, got } = await follow();
      await comment('one');
      expect(await got(1)).toEqual(['one']);
      proxy.cut();
      await comment('two');
      expect(await got(2)).toEqual(['one', 'two']);
    });

    test('H19: gets every event once and in order, though its connection falls silent', async () => {
      const { comment, got } = await follow();
      await comment('one');
      expect(await got(1)).toEqual(['one']);
      proxy.blackHole();
      await comment('two');
      proxy.forget();
      expect(await got(2)).toEqual(['one', 'two']);
    });

    test('completes what runs when it is disposed of', async () => {
      const { comment, got, dispose } = await follow();
      await comment('one');
      await got(1);
      await dispose();
      expect(await got(2)).toEqual(['one', 'complete']);
    });
  },
);
