/**
 * `npm run screens`: every page in its states at 390 and 1440 px, light and dark, as `docs/screens/NAME-WIDTH-THEME.webp`. Names as arguments take these
 * alone; `--width=n` takes another width, `--zoom=2` takes the wide one as a browser at 200 % shows it, `--rtl` has the whole page from right to left,
 * `--opened` takes the menus and dialogs (`opened.ts`), and `--to=FOLDER` leaves `docs/screens` as it is.
 */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { signedIn } from '../web/signed-in.js';
import { openedOf } from './opened.js';
import { scenesOf, type Scene } from './scenes.js';
import { settled } from './settled.js';
import { startStage } from './stage.js';

const given = process.argv.slice(2);
const option = (name: string): string | undefined => new RegExp(`--${name}=(\\S+)`).exec(given.join(' '))?.[1];
const names = given.filter((word) => !word.startsWith('--'));
const folder = option('to') ?? fileURLToPath(new URL('../../docs/screens/', import.meta.url));
const zoom = Number(option('zoom') ?? 1);
// A narrow screen is not zoomed like that: a phone enlarges what is there.
const widths = option('width') === undefined ? (zoom === 1 ? [390, 1_440] : [1_440]) : [Number(option('width'))];
const isRightToLeft = given.includes('--rtl');
const THEMES = ['light', 'dark'] as const;
/** Of WebP, at which small text is still clear. */
const QUALITY = 70;

/** Once the page has been parsed and before its scripts run: the element that is there before the parser begins is not the one that stays. */
const RIGHT_TO_LEFT = "document.addEventListener('readystatechange', () => { document.documentElement.dir = 'rtl'; }, { once: true })";

const chromium = findChromium();
if (chromium === null) throw new Error('Screenshots need a Chromium: install one, or set CHROMIUM_PATH.');

const shoot = async (page: Page, name: string): Promise<void> => {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await session.detach();
  await writeFile(join(folder, `${name}.webp`), Buffer.from(data, 'base64'));
};

const take = async (browser: Browser, url: string, scene: Scene, width: number): Promise<void> => {
  const { name, path, as, language = 'en', before, after, isWaiting = false } = scene;
  const { origin } = new URL(url);
  const context = await browser.newContext({
    viewport: { width: Math.round(width / zoom), height: Math.round((width < 768 ? 844 : 900) / zoom) },
    deviceScaleFactor: zoom,
    locale: language,
    reducedMotion: 'reduce',
    ...(as === undefined ? {} : signedIn(origin, as)),
  });
  context.setDefaultTimeout(30_000);
  try {
    const page = await context.newPage();
    if (isRightToLeft) await page.addInitScript(RIGHT_TO_LEFT);
    await before?.(page);
    await page.goto(new URL(path, origin).href);
    await page.getByRole('main').waitFor();
    if (!isWaiting) await page.waitForLoadState('networkidle');
    await after?.(page);
    if (!isWaiting) await settled(page);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await shoot(page, `${name}-${width}-${theme}`);
    }
  } finally {
    await context.close();
  }
};

await mkdir(folder, { recursive: true });
// The sessions hold for as long as it takes.
const stage = await startStage({ JWT_ACCESS_TTL_SECONDS: '86400' });
const browser = await launchBrowser(chromium);
try {
  const scenes = given.includes('--opened')
    ? openedOf(stage)
    : [...scenesOf(stage), ...openedOf(stage).filter(({ name }) => names.includes(name))].filter(
        ({ name }) => names.length === 0 || names.includes(name),
      );
  for (const scene of scenes)
    for (const width of widths) {
      try {
        await take(browser, stage.app.url, scene, width);
      } catch (error) {
        process.exitCode = 1;
        console.error(`${scene.name} at ${width}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
} finally {
  await browser.close();
  await stage.stop();
}
const sizes = await Promise.all(
  (await readdir(folder)).filter((file) => file.endsWith('.webp')).map(async (file) => (await stat(join(folder, file))).size),
);
console.log(`${sizes.length} pictures, ${(sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)} MB in ${folder}`);
