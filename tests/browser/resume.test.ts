import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { startProxy, type Proxy } from '../kit/proxy.js';

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

    test('H06: gets every event once and in order, though its connection is cut and falls silent', async () => {
      const { createPost } = await app.data<{ createPost: { post: { id: string; commentCursor: string } } }>(
        'mutation { createPost(input: { body: "x" }) { post { id commentCursor } } }',
        {},
        ada,
      );
      const { id, commentCursor } = createPost.post;
      const comment = async (body: string): Promise<void> => {
        await app.data(
          'mutation ($id: ID!, $body: String!) { addComment(input: { postId: $id, body: $body }) { comment { id } } }',
          { id, body },
          ada,
        );
      };
      const page = await browser.newPage();
      page.setDefaultTimeout(20_000);
      await page.goto(new URL('/healthz', app.url).href);
      await page.addScriptTag({ content: await bundle() });
      await page.evaluate(
        `window.bodies = [];
      window.client = lyceum.createResumingClient({
        url: ${JSON.stringify(proxy.url.replace(/^http/, 'ws'))},
        getAccessToken: () => ${JSON.stringify(ada.token)},
        backoff: { firstMs: 20, maxMs: 200 },
        keepAlive: 100,
        pongTimeoutMs: 300,
      });
      client.subscribe(
        {
          query: 'subscription ($id: ID!, $after: String) { commentAdded(postId: $id, after: $after) { comment { body } } }',
          variables: ${JSON.stringify({ id, after: commentCursor })},
        },
        { next: ({ data }) => bodies.push(data.commentAdded.comment.body), error: (error) => bodies.push(String(error)), complete: () => bodies.push('complete') },
      );
      0`,
      );
      const bodies = async (count: number): Promise<unknown> => {
        await page.waitForFunction(`bodies.length >= ${count}`);
        return await page.evaluate('bodies');
      };
      await comment('one');
      expect(await bodies(1)).toEqual(['one']);
      proxy.cut();
      await comment('two');
      expect(await bodies(2)).toEqual(['one', 'two']);
      proxy.blackHole();
      await comment('three');
      proxy.forget();
      expect(await bodies(3)).toEqual(['one', 'two', 'three']);
      await page.evaluate('client.dispose()');
      expect(await bodies(4)).toEqual(['one', 'two', 'three', 'complete']);
    });
  },
);
