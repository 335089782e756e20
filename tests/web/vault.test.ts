import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedDemoData } from '../../src/demo/seed.js';
import type { CreateEntryInput } from '../generated/texts/graphql.js';
import { editEntry } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { describeWeb, violations, violationsInBothThemes } from './kit.js';

const Write = graphql(`
  mutation VaultPageWrite($input: CreateEntryInput!) {
    createEntry(input: $input) {
      entry {
        id
        slug
      }
    }
  }
`);
const Delete = graphql(`
  mutation VaultPageDelete($id: ID!) {
    deleteEntry(input: { id: $id }) {
      entryId
    }
  }
`);
const LikeEntry = graphql(`
  mutation VaultPageLike($id: ID!) {
    likeEntry(input: { entryId: $id }) {
      likeCount
    }
  }
`);
const Found = graphql(`
  query VaultPageFound($search: String!) {
    entries(filter: { search: $search }) {
      nodes {
        title
        content
      }
    }
  }
`);

describeWeb('the vault', ({ open }) => {
  let app: TestApp;
  let zoe: TestUser;
  let max: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    await seedDemoData(app.services);
    [zoe, max] = await Promise.all([app.user('zoe'), app.user('max')]);
  });
  afterAll(async () => await app.stop());

  const write = async (title: string, input: Partial<CreateEntryInput> = {}, as = zoe) => {
    const { createEntry } = await app.data(Write, { input: { title, content: `About ${title}.`, ...input } }, as);
    return createEntry.entry;
  };
  const found = async (search: string) => (await app.data(Found, { search })).entries.nodes;
  const address = (page: Page): string => decodeURIComponent(page.url().slice(new URL(app.url).origin.length)).replaceAll('+', ' ');
  const row = (page: Page, name: string | RegExp) => page.getByRole('list', { name: 'Entries' }).getByRole('link', { name });
  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

  test('searches while one types, says so in the address, and leaves the search by one step back', async () => {
    const { page, close } = await open(app);
    await row(page, /^Comparing secrets/).waitFor();
    const field = page.getByRole('searchbox', { name: 'Search the vault' });
    await field.pressSequentially('longit');
    await row(page, /^Vinaigrette/).waitFor({ state: 'detached' });
    await row(page, /^The longitude problem/).waitFor();
    expect(await page.locator('mark').first().textContent()).toBe('longit');
    await field.pressSequentially('ude pro');
    await expect.poll(() => address(page)).toBe('/vault?search=longitude pro');
    await page.reload();
    await row(page, /^The longitude problem/).waitFor();
    expect(await field.inputValue()).toBe('longitude pro');
    await page.goBack();
    await row(page, /^Vinaigrette/).waitFor();
    expect(await field.inputValue()).toBe('');
    await close();
  });

  test('shows the entries of a category, of a tag and of an author, in a chosen order', async () => {
    await write('Kimchi at home', { category: 'cooking', tags: ['fermenting'] });
    const { page, close } = await open(app);
    await page
      .getByRole('navigation', { name: 'Categories' })
      .getByRole('link', { name: /Cooking/ })
      .click();
    await row(page, /^Comparing secrets/).waitFor({ state: 'detached' });
    await page.getByLabel('Author').fill('zoe');
    await page.getByLabel('Author').press('Enter');
    await row(page, /^Vinaigrette/).waitFor({ state: 'detached' });
    await row(page, /^Kimchi at home/).waitFor();
    await page.getByLabel('Order').selectOption('By title');
    expect(address(page)).toBe('/vault?category=cooking&author=zoe&order=title');
    await page.getByRole('link', { name: 'Remove: In cooking' }).click();
    await page.getByRole('link', { name: 'Remove: By zoe' }).click();
    await row(page, /^A/).first().waitFor();
    await page.getByLabel('Order').selectOption('Newest first');
    await row(page, /^Kimchi at home/).click();
    await page.getByRole('link', { name: 'fermenting' }).click();
    await expect.poll(() => address(page)).toBe('/vault?tag=fermenting');
    await row(page, /^Kimchi at home/).waitFor();
    await close();
  });

  test('is gone through by the arrows and Enter, to its end', async () => {
    const { page, close } = await open(app);
    await row(page, /^Comparing secrets/).waitFor();
    await page.getByRole('searchbox').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const second = await row(page, /./).nth(1).getAttribute('href');
    await expect.poll(() => page.locator(':focus').getAttribute('href')).toBe(second);
    await page.keyboard.press('End');
    const focused = (): Promise<number> =>
      page.evaluate<number>('Number(document.activeElement?.closest("[data-index]")?.dataset.index ?? 0)');
    await expect.poll(focused, { timeout: 10_000 }).toBeGreaterThanOrEqual(49);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: /^More by/ }).waitFor();
    await close();
  });

  test('writes an entry with a preview, which another sees in the list', async () => {
    const { page, close } = await open(app, { as: zoe });
    await page.getByRole('link', { name: 'New entry' }).click();
    await heading(page, 'New entry');
    await page.getByLabel('Title').fill('Rye sourdough');
    await page.getByLabel('Category').selectOption('Cooking');
    await page.getByLabel('Tags').fill('Bread, rye');
    const text = page.getByLabel('Text', { exact: true });
    await text.fill('slowly');
    await text.selectText();
    await page.keyboard.press('Control+b');
    expect(await text.inputValue()).toBe('**slowly**');
    await page.getByRole('region', { name: 'Preview' }).locator('strong').getByText('slowly').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await heading(page, 'Rye sourdough');
    await page.getByRole('main').locator('strong').getByText('slowly').waitFor();
    const other = await open(app, { as: max });
    await row(other.page, /^Rye sourdough/).waitFor();
    await other.close();
    await close();
  });

  test('says beside its field what is wrong with it', async () => {
    const { page, close } = await open(app, { as: zoe, path: '/vault/new' });
    await page.getByLabel('Title').fill('Without a text');
    await page.keyboard.press('Control+s');
    await page.getByText('At least one character.').waitFor();
    expect(await page.getByLabel('Text', { exact: true }).getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Title').fill('');
    await close();
  });

  test('keeps what was written over a reload and a lost connection, and saves it once', async () => {
    const { page, close, complaints } = await open(app, { as: zoe, path: '/vault/new' });
    await page.getByLabel('Title').fill('Kept text');
    await page.getByLabel('Text', { exact: true }).fill('A first sentence.');
    await page.getByText('What you write is kept in this browser.').waitFor();
    await page.reload();
    await page.getByText('This is what you wrote before and did not save.').waitFor();
    expect(await page.getByLabel('Title').inputValue()).toBe('Kept text');
    // The server writes it, and its answer is lost.
    await page.route('**/graphql', async (route) => {
      if (!(route.request().postData() ?? '').includes('WriteEntry')) {
        await route.fallback();
        return;
      }
      await route.fetch();
      await route.abort();
    });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing is lost').waitFor();
    await page.unroute('**/graphql');
    await page.getByLabel('Text', { exact: true }).fill('A first sentence. And a second.');
    await page.getByRole('button', { name: 'Save' }).click();
    await heading(page, 'Kept text');
    expect(await found('Kept text')).toEqual([{ title: 'Kept text', content: 'A first sentence. And a second.' }]);
    await page.goto(new URL('/vault/new', app.url).href);
    await heading(page, 'New entry');
    expect(await page.getByLabel('Title').inputValue()).toBe('');
    complaints();
    await close();
  });

  test('asks before one leaves what is not saved', async () => {
    const { page, close } = await open(app, { as: zoe });
    await page.getByRole('link', { name: 'New entry' }).click();
    await page.getByLabel('Title').fill('Half a thought');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByText('Half a thought').waitFor();
    await page.getByRole('button', { name: 'Stay' }).click();
    await page.goBack();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
    await heading(page, 'Vault');
    await page.getByRole('link', { name: 'New entry' }).click();
    await page.getByRole('button', { name: 'Discard it' }).click();
    expect(await page.getByLabel('Title').inputValue()).toBe('');
    await close();
  });

  test('keeps both texts when an entry was saved elsewhere meanwhile', async () => {
    const { id, slug } = await write('Contested');
    const { page, close } = await open(app, { as: zoe, path: `/vault/entries/${slug}/edit` });
    const text = page.getByLabel('Text', { exact: true });
    await text.fill('My text.');
    await editEntry(app, zoe, { id, expectedVersion: 1, content: 'The other text.' });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'This entry has been saved elsewhere meanwhile' }).waitFor();
    expect(await page.getByLabel('The text that was saved elsewhere').inputValue()).toBe('The other text.');
    expect(await text.inputValue()).toBe('My text.');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save mine in its place' }).click();
    await heading(page, 'Contested');
    await page.getByText('My text.').waitFor();
    await close();
  });

  test('shows what is saved elsewhere as it is saved, and that an entry is gone', async () => {
    const { id, slug } = await write('Live');
    const { page, close } = await open(app, { as: max, path: `/vault/entries/${slug}` });
    await heading(page, 'Live');
    await editEntry(app, zoe, { id, expectedVersion: 1, content: 'What is new.' });
    await page.getByText('What is new.').waitFor();
    await app.data(Delete, { id }, zoe);
    await heading(page, 'There is nothing here');
    await close();
  });

  test('puts two edits together that are of different lines', async () => {
    const { id, slug } = await write('Shared');
    await editEntry(app, zoe, { id, expectedVersion: 1, content: 'One.\n\nTwo.\n\nThree.' });
    const { page, close } = await open(app, { as: zoe, path: `/vault/entries/${slug}/edit` });
    const text = page.getByLabel('Text', { exact: true });
    await text.fill('One.\n\nTwo.\n\nThree, mine.');
    await editEntry(app, zoe, { id, expectedVersion: 2, content: 'One, theirs.\n\nTwo.\n\nThree.' });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Put both together' }).click();
    expect(await text.inputValue()).toBe('One, theirs.\n\nTwo.\n\nThree, mine.');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await heading(page, 'Shared');
    await page.getByText('One, theirs.').waitFor();
    await page.getByText('Three, mine.').waitFor();
    await close();
  });

  test('likes an entry at once and says who does, and a visitor is asked to sign in', async () => {
    const { slug } = await write('Likeable');
    const { page, close } = await open(app, { as: max, path: `/vault/entries/${slug}` });
    await page.getByRole('button', { name: 'Like, 0 likes' }).click();
    await page.getByRole('button', { name: 'Like, 1 like', pressed: true }).waitFor();
    await page.getByRole('button', { name: 'Who likes it' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'max' }).waitFor();
    expect(await page.getByRole('link', { name: 'Edit' }).count()).toBe(0);
    await close();
    const visitor = await open(app, { path: `/vault/entries/${slug}` });
    await visitor.page.getByRole('link', { name: /^Sign in to like/ }).click();
    await heading(visitor.page, 'Sign in');
    expect(address(visitor.page)).toBe(`/sign-in?then=/vault/entries/${slug}`);
    await visitor.close();
  });

  test('shows the likes of others as they come, in the list and on the page', async () => {
    const { id, slug } = await write('Admired');
    const { page, tab, close } = await open(app, { path: '/vault?search=admired' });
    await row(page, /Admired/).waitFor();
    const reading = await tab(`/vault/entries/${slug}`);
    await reading.getByRole('link', { name: /, 0 likes$/ }).waitFor();
    await expect.poll(() => app.services.hub.stats().subscribers).toBeGreaterThan(1);
    await app.data(LikeEntry, { id }, max);
    await row(page, /Admired/)
      .getByTitle('1 like')
      .waitFor();
    await reading.getByRole('link', { name: /, 1 like$/ }).waitFor();
    await close();
  });

  test('deletes an entry after asking, by its name', async () => {
    const { slug } = await write('Obsolete');
    const { page, close } = await open(app, { as: zoe, path: `/vault/entries/${slug}` });
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByText('“Obsolete” and its likes').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await heading(page, 'Vault');
    await page.getByText('“Obsolete” was deleted').waitFor();
    await row(page, /^Comparing secrets/).waitFor();
    expect(await row(page, /^Obsolete/).count()).toBe(0);
    await page.goto(new URL(`/vault/entries/${slug}`, app.url).href);
    await heading(page, 'There is nothing here');
    await close();
  });

  test('has its headings below its title, and a list of contents, by which and by whose addresses one gets to a part', async () => {
    const { slug } = await write('Parts', { content: `# One & only\n\n${'Text.\n\n'.repeat(60)}\n\n## Two\n\nThe end.` });
    const { page, close } = await open(app, { path: `/vault/entries/${slug}` });
    await page.getByRole('heading', { level: 3, name: 'Two' }).waitFor();
    expect(await page.getByRole('heading', { level: 2, name: 'One & only' }).count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).allTextContents()).toEqual(['Parts']);
    await page.getByRole('button', { name: 'Contents' }).click();
    await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'One & only' }).waitFor();
    await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'Two' }).click();
    await expect.poll(() => address(page)).toBe(`/vault/entries/${slug}#user-content-two`);
    const isSeen = async (): Promise<boolean> => ((await page.getByText('The end.').boundingBox())?.y ?? 9_999) < 900;
    await expect.poll(isSeen).toBe(true);
    await close();
  });

  test('shows notes, alerts, formulas and coloured code in both themes, and goes to a part by each of its names', async () => {
    const code =
      '```ts\n// a comment\nconst answer: number = 42;\nexport class Bread extends Dough { name = "rye"; }\n```\n\n```html\n<p class="a">b</p>\n```';
    const kinds = ['NOTE', 'TIP', 'IMPORTANT', 'WARNING', 'CAUTION'].map((kind) => `> [!${kind}]\n> Words of it.`).join('\n\n');
    const content = `# First\n\nA claim[^1], see [the end](#my-end).\n\n${code}\n\n${kinds}\n\n- [x] done\n\n$\\frac{a}{b}$\n\n${'Text.\n\n'.repeat(60)}# My end\n\nThe end.\n\n[^1]: Proof.`;
    const { slug } = await write('Forms', { content });
    const { page, close } = await open(app, { path: `/vault/entries/${slug}` });
    await page.locator('.markdown-alert').first().waitFor();
    expect(await page.evaluate<string>('getComputedStyle(document.querySelector(".hljs-keyword")).color')).toBe('rgb(122, 47, 192)');
    expect(await violationsInBothThemes(page)).toEqual([]);
    const top = (): Promise<number> => page.evaluate<number>('document.querySelector("#user-content-my-end").getBoundingClientRect().top');
    const isAtEnd = (): Promise<boolean> => top().then((y) => y >= 0 && y < 900);
    for (const part of ['my-end', 'My%20end', 'user-content-my-end']) {
      await page.goto(new URL('/vault', app.url).href);
      await heading(page, 'Vault');
      await page.goto(new URL(`/vault/entries/${slug}#${part}`, app.url).href);
      await heading(page, 'Forms');
      await expect.poll(isAtEnd).toBe(true);
    }
    await page.goto(new URL(`/vault/entries/${slug}#first`, app.url).href);
    await expect.poll(isAtEnd).toBe(false);
    await page.getByRole('link', { name: 'the end' }).click();
    await expect.poll(isAtEnd).toBe(true);
    await close();
  });

  test('is not wider than the screen by long words and reads from right to left', async () => {
    await write('Z' + 'a'.repeat(150), { content: 'b'.repeat(400), tags: ['c'.repeat(40)] });
    const { slug } = await write('عنوان طويل', { content: 'نص بالعربية' });
    const { page, close } = await open(app, { width: 390 });
    await row(page, /^Zaaa/).waitFor();
    const isTooWide = (): Promise<boolean> =>
      page.evaluate<boolean>(
        '[...document.querySelectorAll("main, main *")].some((each) => each.getBoundingClientRect().right > innerWidth + 1)',
      );
    expect(await isTooWide()).toBe(false);
    await row(page, /^Zaaa/).click();
    await page.getByText(/^b{400}$/).waitFor();
    expect(await isTooWide()).toBe(false);
    await page.goto(new URL(`/vault/entries/${slug}`, app.url).href);
    await heading(page, 'عنوان طويل');
    expect(await page.evaluate<string>('getComputedStyle(document.querySelector("h1")).direction')).toBe('rtl');
    await page.goto(new URL('/vault', app.url).href);
    await page.getByRole('link', { name: 'Filter', exact: true }).click();
    await page.getByRole('link', { name: /Cooking/ }).click();
    await page.getByRole('link', { name: 'Remove: In cooking' }).waitFor();
    await close();
  });

  test('has nothing that axe objects to, in both themes, wide and narrow', async () => {
    const { slug } = await write('Looked at', { content: '# One\n\n## Two\n\nText.', tags: ['tag'] });
    for (const width of [390, 1_440]) {
      const { page, close } = await open(app, { as: zoe, width });
      for (const path of [
        '/vault?search=se&category=technical',
        '/vault?filters=',
        `/vault/entries/${slug}`,
        '/vault/new',
        `/vault/entries/${slug}/edit`,
      ]) {
        await page.goto(new URL(path, app.url).href);
        // What is written may have headings of its own.
        await page.getByRole('heading', { level: 1 }).first().waitFor();
        await page.getByRole('status').getByText('Loading').first().waitFor({ state: 'detached' });
        expect({ path, width, found: await violationsInBothThemes(page) }).toEqual({ path, width, found: [] });
      }
      await close();
    }
  });
});
