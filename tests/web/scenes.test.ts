import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { present } from '../kit/graphql.js';
import { openedOf } from '../screens/opened.js';
import { scenesOf, type Scene } from '../screens/scenes.js';
import { settled } from '../screens/settled.js';
import { fill, type Filled } from '../screens/stage.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

/**
 * What of a page is wider than the screen: whatever scrolls sideways, beside code and tables, which do so on their own, and whatever stands
 * beyond the edge of the screen without being cut by an ellipsis.
 */
const TOO_WIDE = `(() => {
  const named = (element) => element.tagName.toLowerCase() + (element.className ? '.' + String(element.className).split(' ').join('.') : '');
  const all = [...document.querySelectorAll('body, body *')].filter((element) => element.closest('pre, table, [role=tablist], svg') === null);
  const isCut = (element) => {
    for (let above = element; above !== null; above = above.parentElement) if (getComputedStyle(above).overflowX !== 'visible' || getComputedStyle(above).clipPath !== 'none') return true;
    return false;
  };
  const scrolled = all.filter((element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth + 1 && element.querySelector(':scope > table') === null);
  const beyond = all.filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && (left < -1 || right > innerWidth + 1) && !isCut(element);
  });
  const page = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
  return [...new Set([...page, ...scrolled.map((element) => named(element) + ' scrolls'), ...beyond.map((element) => named(element) + ' is beyond the edge')])].slice(0, 5);
})()`;

/** What of an open menu lies under something else, or beyond the screen. */
const COVERED = `[...document.querySelectorAll('[role=menuitem]')].filter((item) => {
  const { x, y, width, height } = item.getBoundingClientRect();
  return !item.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}).map((item) => item.textContent + ' is covered')`;

/** States that are as wide as others. */
const isLikeOthers = ({ name, isWaiting = false }: Scene): boolean =>
  isWaiting || /-(error|offline|not-found|nothing|visitor|own|new|search|category|request)$/.test(name);

/** The patterns of the addresses that show a page. */
const patterns = (): string[] => {
  const routes = readFileSync(fileURLToPath(new URL('../../web/src/app/routes.tsx', import.meta.url)), 'utf8');
  return [...routes.matchAll(/^ {2}\['(\/[^']*)', \(\) => import/gm)].flatMap(([, pattern]) => pattern ?? []);
};
const fits = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/\/:\w+\?/g, '(/[^/]+)?').replaceAll(/:\w+/g, '[^/]+')}$`).test(path.replace(/[?#].*/, ''));

describeWeb('the pages of the web client', ({ open }) => {
  let app: TestApp;
  let filled: Filled;
  let scenes: readonly Scene[];
  beforeAll(async () => {
    app = await startTestApp();
    filled = await fill(app);
    scenes = scenesOf(filled);
  });
  afterAll(async () => await app.stop());

  const show = async (page: Page, { path, before, after }: Scene): Promise<void> => {
    await before?.(page);
    await page.goto(new URL(path, app.url).href);
    await page.getByRole('main').waitFor();
    await settled(page);
    await after?.(page);
  };

  /** Looks at scenes, those of one person in one browser. @returns what was found, by scene */
  const lookAt = async <Found>(
    those: readonly Scene[],
    width: number,
    look: (page: Page) => Promise<Found | null>,
  ): Promise<Record<string, Found>> => {
    const found: Record<string, Found> = {};
    const browserOf = ({ as, language = 'en' }: Scene): string => `${as?.username ?? 'nobody'} ${language}`;
    for (const browser of new Set(those.map(browserOf))) {
      const theirs = those.filter((scene) => browserOf(scene) === browser);
      const { as, language = 'en' } = present(theirs[0]);
      const { page, complaints, close } = await open(app, { language, width, ...(as === undefined ? {} : { as }) });
      for (const scene of theirs) {
        await show(page, scene);
        const seen = await look(page);
        if (seen !== null) found[scene.name] = seen;
      }
      complaints();
      await close();
    }
    return found;
  };

  test('are all among the scenes that are looked at', () => {
    expect(patterns().length).toBeGreaterThan(20);
    // The first pattern that fits a scene is the page that it shows.
    const shown = new Set(scenes.map(({ path }) => patterns().find((pattern) => fits(pattern, path))));
    expect(patterns().filter((pattern) => !shown.has(pattern))).toEqual([]);
  });

  test('need no scrolling sideways at 320 px, from left to right and from right to left', async () => {
    const found = await lookAt(
      scenes.filter((scene) => !isLikeOthers(scene)),
      320,
      async (page) => {
        const leftToRight = await page.evaluate<string[]>(TOO_WIDE);
        await page.evaluate("document.documentElement.dir = 'rtl'");
        const rightToLeft = await page.evaluate<string[]>(TOO_WIDE);
        return leftToRight.length + rightToLeft.length > 0 ? { leftToRight, rightToLeft } : null;
      },
    );
    expect(found).toEqual({});
  });

  test('have nothing that axe objects to while a menu or a dialog is open above all else, in both themes', async () => {
    const inScenes = scenes.filter(({ name }) => /^(messages-new|palette|keys)$/.test(name));
    const found = await lookAt([...openedOf(filled), ...inScenes], 1_440, async (page) => {
      const found = [...(await page.evaluate<string[]>(COVERED)), ...(await violationsInBothThemes(page))];
      return found.length > 0 ? found : null;
    });
    expect(found).toEqual({});
  });

  test('have names of either direction stand where their line begins', async () => {
    const { page, close } = await open(app, { as: filled.ada, path: '/messages' });
    const sides = async (): Promise<string[]> => {
      const names = [page.getByText('ليلى الحكيم').first(), page.getByText('Long evening').first()];
      return await Promise.all(names.map((name) => name.evaluate((element) => globalThis.getComputedStyle(element).textAlign)));
    };
    await page.getByText('Long evening').first().waitFor();
    expect(await sides()).toEqual(['left', 'left']);
    await page.evaluate("document.documentElement.dir = 'rtl'");
    expect(await sides()).toEqual(['right', 'right']);
    await close();
  });
});
