import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  ...(process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name))),
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * The Chromium of this machine: the one of CHROMIUM_PATH, else one that is installed; null when there is none, so that its suites can
 * be skipped.
 * @throws when CI=true and there is none: there nothing is skipped
 */
export const findChromium = (): string | null => {
  const found = process.env['CHROMIUM_PATH'] ?? PLACES.find(isExecutable) ?? null;
  if (found === null && process.env['CI'] === 'true') throw new Error('CI needs a Chromium: install one, or set CHROMIUM_PATH.');
  return found;
};

/** A headless browser with an empty profile, which calls nobody by itself. */
export const launchBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
    ],
  });

const ARTIFACTS = fileURLToPath(new URL('../../.artifacts/', import.meta.url));

/** Writes what the page shows to `.artifacts/NAME.png`. */
export const screenshot = async (page: Page, name: string): Promise<void> => {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
};
