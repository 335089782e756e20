import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { present } from '../kit/graphql.js';
import { scenesOf, type Scene } from '../screens/scenes.js';
import { settled } from '../screens/settled.js';
import { fill, type Filled } from '../screens/stage.js';
import { describeWeb } from './kit.js';

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

/** States that are as wide as others. */
const isLikeOthers = ({ name, isWaiting = false }: Scene): boolean =>
  isWaiting || /-(error|offline|not-found|nothing|visitor|own|new|search|category|request)$/.test(name);

describeWeb('the pages of the web client', ({ open }) => {
  let app: TestApp;
  let filled: Filled;
  let scenes: readonly Scene[];
  beforeAll(async () => {
    app = await startTestApp();
    filled = await fill(app);
    scenes = scenesOf(filled).filter((scene) => !isLikeOthers(scene));
  });
  afterAll(async () => await app.stop());

  const show = async (page: Page, { path, after }: Scene): Promise<void> => {
    await page.goto(new URL(path, app.url).href);
    await page.getByRole('main').waitFor();
    await settled(page);
    await after?.(page);
  };

  test('need no scrolling sideways at 320 px, from left to right and from right to left', async () => {
    const found: Record<string, unknown> = {};
    const browserOf = ({ as, language = 'en' }: Scene): string => `${as?.username ?? 'nobody'} ${language}`;
    for (const browser of new Set(scenes.map(browserOf))) {
      const theirs = scenes.filter((scene) => browserOf(scene) === browser);
      const { as, language = 'en' } = present(theirs[0]);
      const { page, complaints, close } = await open(app, { language, width: 320, ...(as === undefined ? {} : { as }) });
      for (const scene of theirs) {
        await show(page, scene);
        const leftToRight = await page.evaluate<string[]>(TOO_WIDE);
        await page.evaluate("document.documentElement.dir = 'rtl'");
        const rightToLeft = await page.evaluate<string[]>(TOO_WIDE);
        if (leftToRight.length + rightToLeft.length > 0) found[scene.name] = { leftToRight, rightToLeft };
      }
      complaints();
      await close();
    }
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
