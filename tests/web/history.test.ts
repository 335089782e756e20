import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { editEntry } from '../kit/acts.js';
import { anEntry } from '../kit/factories.js';
import { describeWeb, violations } from './kit.js';

describeWeb('the history of an entry', ({ open }) => {
  let app: TestApp;
  let zoe: TestUser;
  let max: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    [zoe, max] = await Promise.all([app.user('zoe'), app.user('max')]);
  });
  afterAll(() => app.stop());

  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  /** An entry with a version for each text. */
  const written = async (title: string, first: string, ...texts: readonly string[]): Promise<string> => {
    const { id, slug } = await anEntry(app, zoe, { title, content: first });
    for (const [index, content] of texts.entries()) await editEntry(app, zoe, { id, expectedVersion: index + 1, content });
    return slug;
  };

  test('is come to from the entry, and shows what each version has changed', async () => {
    const slug = await written('Told', 'One.', 'One.\n\nTwo.', 'One.\n\nTwo, better.');
    const { page, close } = await open(app, { as: max, path: `/vault/entries/${slug}` });
    await page.getByRole('link', { name: /^changed/ }).click();
    await heading(page, 'History: Told');
    await page.getByRole('button', { name: 'What changed in version 3' }).click();
    await page.locator('del', { hasText: 'Two.' }).waitFor();
    await page.locator('ins', { hasText: 'Two, better.' }).waitFor();
    await page.getByRole('button', { name: 'What changed in version 1' }).click();
    await page.locator('ins', { hasText: 'One.' }).waitFor();
    expect(await page.getByRole('button', { name: /^Restore/ }).count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await close();
  });

  test('has a way back to a version, which makes a further one', async () => {
    const slug = await written('Taken back', 'The first text.', 'The second text.');
    const { page, close } = await open(app, { as: zoe, path: `/vault/entries/${slug}/history` });
    await page.getByRole('button', { name: 'Restore version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
    await page.getByRole('button', { name: 'What changed in version 3' }).waitFor();
    await page.getByRole('link', { name: 'To the entry' }).click();
    await page.getByText('The first text.').waitFor();
    await close();
  });

  test('of an entry that is not there is not there either', async () => {
    const { page, close } = await open(app, { as: max, path: '/vault/entries/nothing-here/history' });
    await heading(page, 'There is nothing here');
    await close();
  });
});
