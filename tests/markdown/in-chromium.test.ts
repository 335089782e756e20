import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../src/markdown/render.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { HOSTILE } from '../kit/hostile-markdown.js';

const chromium = findChromium();
/** So many texts stand on one page. */
const AT_A_TIME = 25;
const ORIGIN = 'https://lyceum.example';

/** Whatever the page would do by itself, and what it does when it is touched. */
const TOUCH = `(async () => {
  for (const element of document.querySelectorAll('.text, .text *')) {
    for (const kind of ['click', 'mouseover', 'focus', 'toggle', 'error', 'load', 'animationstart']) element.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true }));
    if (element instanceof HTMLAnchorElement && element.protocol === 'javascript:') element.click();
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
  return {
    executed: window.executed,
    shadowed: ['document', 'cookie', 'root', 'lyceum'].filter((id) => document.getElementById(id) !== null),
    foreign: [...document.querySelectorAll('.text script, .text style, .text iframe, .text object, .text form, .text svg, .text annotation-xml, .text [style], .text [name]')].map(({ tagName }) => tagName),
    address: location.href,
    // Nothing has broken out of where it was put.
    outside: document.querySelectorAll('body > :not(.text)').length,
  };
})()`;

describe.skipIf(chromium === null)('hostile Markdown in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let body = '';
  const asked = new Set<string>();
  beforeAll(async () => {
    browser = await launchBrowser(chromium ?? '');
    page = await browser.newPage();
    await page.addInitScript(
      'window.executed = 0; for (const name of ["alert", "open", "msgbox"]) window[name] = () => void (window.executed += 1);',
    );
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => asked.add('a dialog')));
    await page.route('**', async (route) => {
      const url = route.request().url();
      if (url === `${ORIGIN}/`)
        return void (await route.fulfill({ contentType: 'text/html', body: `<!doctype html><body>${body}</body>` }));
      // Pictures alone may be asked for.
      if (route.request().resourceType() !== 'image') asked.add(url);
      await route.abort();
    });
  });
  afterAll(() => browser.close());

  /** What comes of pieces of HTML, each in a place of its own. */
  const effectsOf = async (...pieces: readonly string[]) => {
    body = pieces.map((html) => `<div class="text">${html}</div>`).join('');
    await page.goto(`${ORIGIN}/`);
    return await page.evaluate<object>(TOUCH);
  };
  const NOTHING = { executed: 0, shadowed: [], foreign: [], address: `${ORIGIN}/`, outside: 0 };

  it('notices what it is for', async () => {
    expect(await effectsOf('<img src=x onerror="alert(1)">')).not.toMatchObject({ executed: 0 });
    expect(await effectsOf('<script>alert(1)</script><p id="root"></p></div><b>')).toMatchObject({
      executed: 1,
      shadowed: ['root'],
      outside: 1,
    });
  });

  it('executes nothing, loads nothing, and shadows nothing of the page, with formulas or without', async () => {
    for (let at = 0; at < HOSTILE.length; at += AT_A_TIME) {
      const some = HOSTILE.slice(at, at + AT_A_TIME);
      const pieces = some.flatMap(([, source]) => [true, false].map((mentions) => renderMarkdown(source, { mentions })));
      expect({ of: some.map(([name]) => name), ...(await effectsOf(...pieces)) }).toEqual({ of: expect.anything() as unknown, ...NOTHING });
    }
    expect([...asked]).toEqual([]);
  });

  it('and all of it in one text does the same', async () => {
    const whole = HOSTILE.map(([, source]) => source).join('\n\n');
    expect(await effectsOf(renderMarkdown(whole, { mentions: true }))).toEqual(NOTHING);
  });

  it('shows formulas as formulas', async () => {
    await effectsOf(renderMarkdown('$\\frac{a}{b}$ and\n\n$$\n\\sum_{i=1}^n x_i\n$$', { mentions: false }));
    const boxes = await page.evaluate<number[]>(
      '[...document.querySelectorAll("mfrac, munderover")].map((each) => each.getBoundingClientRect().height)',
    );
    expect(boxes).toHaveLength(2);
    expect(Math.min(...boxes)).toBeGreaterThan(15);
  });
});
