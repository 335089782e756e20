import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { like } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aDirect, aGroup, aMessage, aPost, aRequest, aSession } from '../kit/factories.js';
import { describeWeb, violations, type WebPage } from './kit.js';

const rows = (page: Page) => page.getByRole('list', { name: 'Conversations' }).getByRole('link');
const row = (page: Page, name: RegExp) => rows(page).filter({ hasText: name });
/** What waits, as a place in the rail tells it. */
const waiting = (page: Page, words: string | RegExp) =>
  page
    .getByRole('navigation', { name: 'Places' })
    .getByRole('link', { name: /Messages/ })
    .getByText(words, { exact: true });
const field = (page: Page, name: string) => page.getByRole('textbox', { name: `Write to ${name}` });

/** Chooses something from the menu of a conversation in the list. */
const choose = async (page: Page, name: string, act: string): Promise<void> => {
  await page
    .getByRole('list', { name: 'Conversations' })
    .getByRole('button', { name: `More about ${name}` })
    .click();
  await page.getByRole('menuitem', { name: act, exact: true }).click();
};

describeWeb('the inbox in the web client', ({ open }) => {
  let app: TestApp;
  let ben: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    ben = await app.user('ben');
  });
  afterAll(async () => await app.stop());

  /** Two browsers of one person. */
  const devices = async (user: TestUser, path: string): Promise<[WebPage, WebPage]> => {
    const second = await aSession(app, user);
    return Promise.all([open(app, { as: user, path }), open(app, { as: second, path })]);
  };

  /** Two devices of somebody who has read all of three groups, the one of the cellar last. */
  const readers = async (name: string) => {
    const user = await app.user(name);
    for (const title of ['Garden', 'Kitchen', 'Cellar']) {
      const { id } = await aGroup(app, ben, [user], title);
      const { cursor } = await aMessage(app, ben, id, `About the ${title}`);
      await app.data(
        'mutation ($input: MarkReadInput!) { markRead(input: $input) { __typename } }',
        { input: { conversationId: id, cursor } },
        user,
      );
    }
    const both = await devices(user, '/messages');
    await Promise.all(both.map(({ page }) => row(page, /Garden/).waitFor()));
    return both;
  };

  test('what one device pins, mutes or marks as unread, the other shows so', async () => {
    const [one, other] = await readers('zoe');
    expect(await rows(other.page).first().textContent()).toContain('Cellar');

    await choose(one.page, 'Garden', 'Pin');
    for (const { page } of [one, other]) await expect.poll(() => rows(page).first().textContent()).toContain('Garden');
    await choose(one.page, 'Kitchen', 'Mark as unread');
    await row(other.page, /Kitchen.*1 unread/).waitFor();
    await waiting(other.page, '1 unread message').waitFor();
    await choose(other.page, 'Kitchen', 'Mark as read');
    await row(one.page, /Kitchen.*1 unread/).waitFor({ state: 'detached' });
    await choose(other.page, 'Kitchen', 'For 8 hours');
    await row(one.page, /Kitchen/)
      .getByLabel('Muted')
      .waitFor();
    await one.page.getByRole('list', { name: 'Conversations' }).getByRole('button', { name: 'More about Kitchen' }).click();
    await one.page.getByRole('menuitem', { name: /^Unmute \(muted until / }).click();
    await row(other.page, /Kitchen/)
      .getByLabel('Muted')
      .waitFor({ state: 'detached' });
    await one.close();
    await other.close();
  });

  test('what one device archives is archived on the other, and so is what is taken back', async () => {
    const [one, other] = await readers('zara');
    await choose(one.page, 'Cellar', 'Archive');
    for (const { page } of [one, other]) await row(page, /Cellar/).waitFor({ state: 'detached' });
    await other.page.getByRole('link', { name: 'Archived' }).click();
    await row(other.page, /Cellar/).click();
    await other.page.getByRole('heading', { level: 1, name: 'Cellar' }).waitFor();
    expect(new URL(other.page.url()).search).toBe('?list=archived');
    await one.page.getByRole('button', { name: 'Undo' }).click();
    await row(one.page, /Cellar/).waitFor();
    await other.page.getByText('Nothing archived').waitFor();
    // From the head of the conversation, which is the same menu.
    await other.page.getByRole('button', { name: 'More about Cellar' }).click();
    await other.page.getByRole('menuitem', { name: 'Archive', exact: true }).click();
    await row(one.page, /Cellar/).waitFor({ state: 'detached' });
    await one.close();
    await other.close();
  });

  test('an act that does not arrive is taken back in words', async () => {
    const ida = await app.user('ida');
    await aGroup(app, ben, [ida], 'In vain');
    const { page, close, complaints } = await open(app, { as: ida, path: '/messages' });
    await row(page, /In vain/).waitFor();
    await page.route('**/graphql', async (route) => {
      if ((route.request().postData() ?? '').includes('ArchiveConversation')) await route.abort();
      else await route.continue();
    });
    await choose(page, 'In vain', 'Archive');
    await page.getByText(/^That did not work: /).waitFor();
    await row(page, /In vain/).waitFor();
    complaints();
    await close();
  });

  test('a request waits beside the list with its count, and is answered on one device for both', async () => {
    const [mia, one, two] = [await app.user('mia'), await app.user('stranger'), await app.user('salesman')];
    const { id } = await aRequest(app, one, mia);
    await aMessage(app, one, id, 'May I ask something?');
    const [first, second] = await devices(mia, '/messages');
    await waiting(first.page, '1 request').waitFor();
    await first.page.getByRole('link', { name: 'Requests 1 unread' }).click();
    const unwanted = await aRequest(app, two, mia);
    await aMessage(app, two, unwanted.id, 'Buy this');
    await row(first.page, /salesman/).waitFor();
    for (const { page } of [first, second]) await waiting(page, '2 requests').waitFor();
    await expect.poll(() => first.page.title()).toBe('(2) Messages · Lyceum');

    await row(first.page, /salesman/).click();
    await first.page.getByRole('heading', { name: 'salesman wants to talk with you' }).waitFor();
    expect(await violations(first.page)).toEqual([]);
    await first.page.getByRole('button', { name: 'Decline' }).click();
    await first.page.getByRole('dialog', { name: 'Decline the request of salesman?' }).getByRole('button', { name: 'Decline' }).click();
    await row(first.page, /salesman/).waitFor({ state: 'detached' });
    for (const { page } of [first, second]) await waiting(page, '1 request').waitFor();

    await row(first.page, /stranger/).click();
    await first.page.getByRole('button', { name: 'Accept' }).click();
    await row(second.page, /stranger/).waitFor();
    await first.page.getByText('No requests').waitFor();
    await field(first.page, 'stranger').fill('Of course');
    await first.page.keyboard.press('Enter');
    await row(second.page, /You: Of course/).waitFor();
    for (const { page } of [first, second]) await waiting(page, /request/).waitFor({ state: 'detached' });
    await first.close();
    await second.close();
  });

  test('the total counts messages, mentions and notifications in the rail, the title and the icon, on every device', async () => {
    const lea = await app.user('lea');
    const { id } = await aDirect(app, lea, ben);
    const post = await aPost(app, lea);
    const [one, other] = await devices(lea, '/vault');
    await aMessage(app, ben, id, 'One');
    await aMessage(app, ben, id, 'Two for @lea');
    await like(app, ben, post.id);
    for (const { page } of [one, other]) {
      await waiting(page, '2 unread messages, 1 mention of you').waitFor();
      await expect.poll(() => page.title()).toMatch(/^\(\d\) Vault · Lyceum$/);
      expect(await page.locator('link[rel=icon]').getAttribute('href')).toMatch(/^data:image\/svg/);
    }
    const before = await one.page.title();
    await expect.poll(() => other.page.title()).toBe(before);
    await one.page
      .getByRole('navigation', { name: 'Places' })
      .getByRole('link', { name: /Messages/ })
      .click();
    await row(one.page, /ben/).click();
    await expect.poll(() => other.page.title()).not.toBe(before);
    await other.page.getByText(/unread message/).waitFor({ state: 'detached' });
    await one.close();
    await other.close();
  });

  test('the arrows lead through the conversations, and a menu is opened, used and left by the keyboard', async () => {
    const kim = await app.user('kim');
    for (const title of ['First', 'Second']) await aGroup(app, ben, [kim], title);
    const { page, close } = await open(app, { as: kim, path: '/messages' });
    const focused = page.locator(':focus');
    await row(page, /Second/).focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => focused.textContent()).toContain('First');
    await page.keyboard.press('Tab');
    await expect.poll(() => focused.getAttribute('aria-label')).toBe('More about First');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Mark as unread' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => rows(page).first().textContent()).toContain('First');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Unpin' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => focused.getAttribute('aria-label')).toBe('More about First');
    await close();
  });
});
