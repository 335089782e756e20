import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { TestApp, TestUser } from '../kit/app.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { SESSION, sessionOf } from './signed-in.js';

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
  /** Other hosts that the pages lead to. */
  readonly elsewhere?: readonly string[];
}

export interface WebPage {
  readonly page: Page;
  /** What the browser had to say against the page so far, refusals of the content policy among it; taking it out makes it empty. */
  readonly complaints: () => string[];
  /** Another page of the same browser: a second tab. */
  readonly tab: (path: string) => Promise<Page>;
  /** Ends it. What the page was blamed for and nobody has taken out, and requests to other hosts, fail the test. */
  readonly close: () => Promise<void>;
}

/** Suites of the built client in a real browser; skipped with a line where there is none. */
export const describeWeb = (name: string, body: (suite: WebSuite) => void): void => {
  const missing = chromium === null ? ' (there is no Chromium here: install one, or set CHROMIUM_PATH)' : '';
  describe.skipIf(chromium === null)(`${name}${missing}`, () => {
    let browser: Browser;
    const free = new Set<Seat>();
    beforeAll(async () => {
      browser = await launchBrowser(chromium ?? '');
    });
    afterAll(async () => await browser.close());
    body({
      open: async (app, options = {}) => {
        const { language = 'en' } = options;
        const seat = [...free].find((each) => each.language === language) ?? (await newSeat(browser, language));
        free.delete(seat);
        return await openPage(seat, app, options, () => free.add(seat));
      },
    });
  });
};

/**
 * A browser in the browser, with storage of its own, and one tab in it that is used again: a page in a tab that has had the client costs
 * a fifth of what it costs in a new one.
 */
interface Seat {
  readonly language: 'en' | 'de';
  readonly page: Page;
  /** What is said against its pages, and the hosts that they ask, as long as somebody has the seat. */
  noted: { readonly complaints: string[]; readonly hosts: Set<string> } | null;
}

const newSeat = async (browser: Browser, language: Seat['language']): Promise<Seat> => {
  const context = await browser.newContext({ locale: language, reducedMotion: 'reduce' });
  context.setDefaultTimeout(60_000);
  const complain = (text: string): void => void seat.noted?.complaints.push(text);
  const note = (address: string): void => {
    const { protocol, host } = new URL(address);
    if (protocol !== 'data:' && protocol !== 'blob:') seat.noted?.hosts.add(host);
  };
  context.on('page', (page) => {
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => complain(error.message));
    page.on('console', (message) => {
      // Of a file that names no icon of its own (below) the browser asks for one.
      if (message.location().url.endsWith('/favicon.ico')) return;
      if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
    });
  });
  const seat: Seat = { language, page: await context.newPage(), noted: null };
  return seat;
};

/** A file of the client that runs nothing when it is looked at. */
const WITHOUT_CLIENT = '/icon.svg';

/** Ends what was going on in the tab, and has it stand as a new one would. */
const leave = async ({ page }: Seat): Promise<void> => {
  const context = page.context();
  for (const other of context.pages()) if (other !== page) await other.close();
  await Promise.all([page.unrouteAll({ behavior: 'ignoreErrors' }), context.setOffline(false)]);
  await page.goto(new URL(WITHOUT_CLIENT, page.url()).href);
  await page.mouse.move(0, 0);
};

/** Has the browser keep nothing for this origin but who is signed in. */
const enter = async ({ page }: Seat, origin: string, user: TestUser | undefined): Promise<void> => {
  await page.context().clearCookies();
  if (!page.url().startsWith(`${origin}/`)) await page.goto(origin + WITHOUT_CLIENT);
  const session = user === undefined ? '' : `localStorage.setItem('${SESSION}', ${JSON.stringify(sessionOf(user))});`;
  await page.evaluate(`localStorage.clear(); sessionStorage.clear(); ${session}`);
};

const openPage = async (
  seat: Seat,
  app: Pick<TestApp, 'url'>,
  { as, path = '/', theme = 'light', width = 1_440, elsewhere = [] }: OpenOptions,
  onClose: () => void,
): Promise<WebPage> => {
  const { origin, host } = new URL(app.url);
  const { page } = seat;
  await page.setViewportSize({ width, height: width < 768 ? 844 : 900 });
  await page.emulateMedia({ colorScheme: theme });
  await enter(seat, origin, as);
  const complaints: string[] = [];
  const hosts = new Set<string>();
  seat.noted = { complaints, hosts };
  const show = async (shown: Page, to: string): Promise<Page> => {
    await shown.goto(new URL(to, origin).href);
    await shown.getByRole('main').waitFor();
    return shown;
  };
  await show(page, path);
  return {
    page,
    complaints: () => complaints.splice(0),
    tab: async (to) => {
      const tab = await page.context().newPage();
      await tab.setViewportSize(page.viewportSize() ?? { width, height: 900 });
      await tab.emulateMedia({ colorScheme: theme });
      return await show(tab, to);
    },
    close: async () => {
      seat.noted = null;
      await leave(seat);
      onClose();
      expect(complaints).toEqual([]);
      expect([...hosts].filter((each) => !elsewhere.includes(each))).toEqual([host]);
    },
  };
};

/** The rules whose word depends on colours. */
const RULES_OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** What axe finds wrong with the page, by rule and place. The pages have no frames, so axe needs no window of its own to put their results together. */
export const violations = async (page: Page, rules?: readonly string[]): Promise<string[]> => {
  const axe = new AxeBuilder({ page }).setLegacyMode().options({
    resultTypes: ['violations'],
    preload: false,
    iframes: false,
    ...(rules === undefined ? {} : { runOnly: [...rules] }),
  });
  const { violations: found } = await axe.analyze();
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
};

/** What axe finds wrong with the page in light and in dark, where all but the colours is the same. */
export const violationsInBothThemes = async (page: Page): Promise<string[]> => {
  const light = await violations(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await violations(page, RULES_OF_COLOURS);
  await page.emulateMedia({ colorScheme: 'light' });
  return [...light, ...dark.map((found) => `in dark: ${found}`)];
};
