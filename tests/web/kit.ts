import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { TestApp, TestUser } from '../kit/app.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { signedIn } from './signed-in.js';

const chromium = findChromium();

/** A browser for all tests of a suite. */
export interface WebSuite {
  readonly open: (app: Pick<TestApp, 'url'>, options?: OpenOptions) => Promise<WebPage>;
}

export interface OpenOptions {
  /** Who is signed in; nobody when left out. */
  readonly as?: TestUser;
  /** The address to begin with: `/` when left out. */
  readonly path?: string;
  readonly theme?: 'light' | 'dark';
  readonly language?: 'en' | 'de';
  /** 1440 when left out; below 768 it is a narrow one. */
  readonly width?: number;
  /** Further settings of the browser. */
  readonly context?: BrowserContextOptions;
}

export interface WebPage {
  readonly page: Page;
  /** What the browser had to say against the page so far, refusals of the content policy among it; taking it out makes it empty. */
  readonly complaints: () => string[];
  /** Another page of the same browser: a second tab. */
  readonly tab: (path: string) => Promise<Page>;
  /** Ends it, whatever was said. */
  readonly abandon: () => Promise<void>;
  /** Ends it. What the page was blamed for and nobody has taken out, and requests to other hosts, fail the test. */
  readonly close: () => Promise<void>;
}

/** Suites of the built client in a real browser; skipped with a line where there is none. */
export const describeWeb = (name: string, body: (suite: WebSuite) => void): void => {
  const missing = chromium === null ? ' (there is no Chromium here: install one, or set CHROMIUM_PATH)' : '';
  describe.skipIf(chromium === null)(`${name}${missing}`, () => {
    let browser: Browser;
    const opened = new Set<WebPage>();
    beforeAll(async () => {
      browser = await launchBrowser(chromium ?? '');
    });
    afterAll(async () => {
      await Promise.all([...opened].map((page) => page.abandon()));
      await browser.close();
    });
    body({
      open: async (app, options = {}) => {
        const page = await openPage(browser, app, options, () => opened.delete(page));
        opened.add(page);
        return page;
      },
    });
  });
};

const openPage = async (
  browser: Browser,
  app: Pick<TestApp, 'url'>,
  { as, path = '/', theme = 'light', language = 'en', width = 1_440, context: further }: OpenOptions,
  onClose: () => void,
): Promise<WebPage> => {
  const { origin, host } = new URL(app.url);
  const context = await browser.newContext({
    viewport: { width, height: width < 768 ? 844 : 900 },
    colorScheme: theme,
    locale: language,
    reducedMotion: 'reduce',
    ...(as === undefined ? {} : signedIn(origin, as)),
    ...further,
  });
  context.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  const hosts = new Set<string>();
  const note = (address: string): void => {
    const { protocol, host: asked } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(asked);
  };
  context.on('page', (page) => {
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
  });
  const open = async (to: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(new URL(to, origin).href);
    await page.getByRole('main').waitFor();
    return page;
  };
  const page = await open(path);
  return {
    page,
    complaints: () => complaints.splice(0),
    tab: open,
    abandon: () => context.close(),
    close: async () => {
      onClose();
      await context.close();
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([host]);
    },
  };
};

/** What axe finds wrong with the page, by rule and place. The pages have no frames, so axe needs no window of its own to put their results together. */
export const violations = async (page: Page): Promise<string[]> => {
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'], preload: false, iframes: false });
  const { violations: found } = await axe.analyze();
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
};
