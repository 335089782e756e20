import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COUNTED, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aDirect, aGroup, aMessage, aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

const history = (page: Page) => page.getByRole('list', { name: 'Messages', exact: true });
const field = (page: Page, name: string) => page.getByRole('textbox', { name: `Write to ${name}` });
const said = (page: Page, text: string) => history(page).getByText(text, { exact: true });
/** A machine may be busy. */
const PATIENT = { timeout: 20_000 };
const addressOf = (id: string): string => `/messages/${encodeURIComponent(id)}`;

/** Where the first message stands that is wholly on the screen. */
const FIRST_SEEN = `(() => {
  const list = document.querySelector('[role=list][aria-label=Messages]');
  const { top } = list.getBoundingClientRect();
  const found = [...list.querySelectorAll('article')].map((element) => ({ row: element.dataset.row, y: element.getBoundingClientRect().y }));
  return found.filter(({ y }) => y >= top).sort((one, other) => one.y - other.y)[0] ?? null;
})()`;
/**
 * Where a row is once it has come to rest, null when it is not there any more, and whether it was seen that there is nothing above to scroll
 * to. At rest is what three looks, two frames apart, see at the same place; a turn of the wheel may come to nothing while a page of older
 * messages is put in, so what has not moved is looked at for longer.
 */
const restOf = (page: Page, { row, y }: { readonly row: string; readonly y: number }) =>
  page.evaluate<{ readonly y: number | null; readonly wasAtTop: boolean }>(`(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const list = document.querySelector('[role=list][aria-label=Messages]');
    const seen = [];
    for (let wasAtTop = false; ; ) {
      await frame();
      await frame();
      const y = document.querySelector('[data-row="${row}"]')?.getBoundingClientRect().y ?? null;
      const isAtTop = list.scrollTop < 1;
      wasAtTop ||= isAtTop;
      seen.push(y);
      const isStill = seen.length > 2 && seen.slice(-3).every((each) => each === y);
      if (y === null || (isStill && (y !== ${y} || isAtTop || seen.length > 30))) return { y, wasAtTop };
    }
  })()`);

const RoomOf = graphql(`
  query MessagesPageRoom($code: String!) {
    room(code: $code) {
      title
    }
  }
`);

describeWeb('conversations in the web client', ({ open }) => {
  let app: TestApp;
  let zoe: TestUser;
  let ben: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    [zoe, ben] = await Promise.all([app.user('zoe'), app.user('ben')]);
  });
  afterAll(async () => await app.stop());

  test('shows a message in the other browser, who is typing before it, and that it was seen', async () => {
    const { id } = await aDirect(app, zoe, ben);
    await aMessage(app, ben, id, 'Hello Zoe');
    const [hers, his] = await Promise.all([open(app, { as: zoe, path: addressOf(id) }), open(app, { as: ben, path: addressOf(id) })]);
    await said(hers.page, 'Hello Zoe').waitFor();
    await said(his.page, 'Seen').waitFor();
    await field(his.page, 'zoe').pressSequentially('How are you?');
    await hers.page.getByText('ben is typing…').waitFor();
    await his.page.keyboard.press('Enter');
    await said(hers.page, 'How are you?').waitFor();
    await hers.page.getByText('ben is typing…').waitFor({ state: 'hidden' });
    await said(his.page, 'Seen').waitFor();
    expect(await said(his.page, 'How are you?').count()).toBe(1);
    await Promise.all([hers.close(), his.close()]);
  });

  test('sends a message once that was refused, was tried again, and whose answer was lost then', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Lost answers');
    const { page, close, complaints } = await open(app, { as: zoe, path: addressOf(id) });
    await field(page, 'Lost answers').waitFor();
    let troubles = 0;
    await page.route('**/graphql', async (route) => {
      if (!(route.request().postData() ?? '').includes('mutation SendMessage') || troubles === 2) {
        await route.fallback();
        return;
      }
      troubles += 1;
      // First the server is too busy, then its answer is lost on the way.
      if (troubles === 1) {
        const error = { message: 'Busy', extensions: { code: 'UNAVAILABLE' } };
        await route.fulfill({ json: { errors: [error], data: null } });
        return;
      }
      await route.fetch();
      await route.abort('connectionreset');
    });
    await field(page, 'Lost answers').fill('Just once');
    await page.keyboard.press('Enter');
    await said(page, 'Just once').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await history(page).locator('article:not([data-state])').getByText('Just once').waitFor();
    await expect.poll(() => history(page).locator('article').count()).toBe(1);
    const messages = await app.data<{ conversation: { messages: { nodes: readonly { body: string }[] } } }>(
      'query ($id: ID!) { conversation(id: $id) { messages { nodes { body } } } }',
      { id },
      ben,
    );
    expect(messages.conversation.messages.nodes).toEqual([{ body: 'Just once' }]);
    // The browser tells of the lost answer, sooner or later.
    await expect.poll(() => complaints().join(), PATIENT).toContain('ERR_CONNECTION_RESET');
    await close();
  });

  test('keeps what is written offline, also over a reload, and has everything once when the network is back', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Tunnel');
    const { page, close, complaints } = await open(app, { as: zoe, path: addressOf(id) });
    await field(page, 'Tunnel').fill('Before');
    await page.keyboard.press('Enter');
    await history(page).locator('article:not([data-state])').getByText('Before').waitFor();
    await page.context().setOffline(true);
    await aMessage(app, ben, id, 'From outside');
    for (const text of ['In the dark', 'Still there']) {
      await field(page, 'Tunnel').fill(text);
      await page.keyboard.press('Enter');
    }
    await history(page).getByText('Waits for the connection').first().waitFor();
    await field(page, 'Tunnel').fill('A draft');
    await page.context().setOffline(false);
    await page.reload();
    for (const text of ['Before', 'From outside', 'In the dark', 'Still there'])
      await history(page).locator('article:not([data-state])').getByText(text).waitFor();
    await expect.poll(() => history(page).locator('article').count()).toBe(4);
    expect(await field(page, 'Tunnel').inputValue()).toBe('A draft');
    complaints();
    await close();
  });

  test('scrolls up through hundreds of messages, and what is read never jumps', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Long');
    for (let next = 0; next < 240; next += 20)
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => aMessage(app, zoe, id, `${next + index} ${'word '.repeat((index * 37) % 90)}`)),
      );
    const { page, close } = await open(app, { as: zoe, path: addressOf(id) });
    await page
      .getByRole('button', { name: /new message|latest/ })
      .or(history(page).locator('article'))
      .first()
      .waitFor();
    await history(page).hover();
    const jumps: number[] = [];
    let steps = 0;
    /** Turns of the wheel that nothing has answered yet: a busy browser answers several at once. */
    let owed = 0;
    while (!(await page.getByText('This is the beginning of the conversation.').isVisible()) && steps < 80) {
      const before = await page.evaluate<{ readonly row: string; readonly y: number } | null>(FIRST_SEEN);
      await page.mouse.wheel(0, -400);
      steps += 1;
      if (before === null) continue;
      const { y: rest, wasAtTop } = await restOf(page, before);
      const isBeginning = await page.getByText('This is the beginning of the conversation.').isVisible();
      // Where what is older has not come yet there is less to scroll through.
      const isShort = rest === before.y || (rest !== null && wasAtTop && rest > before.y && rest <= before.y + 400);
      if (rest === before.y) owed += 1;
      if (rest === null || isBeginning || isShort) continue;
      const turns = Math.min(1 + owed, Math.max(1, Math.round((rest - before.y) / 400)));
      owed -= turns - 1;
      jumps.push(Math.abs(rest - before.y - 400 * turns));
    }
    await page.getByText('This is the beginning of the conversation.').waitFor();
    expect(jumps.length).toBeGreaterThan(10);
    expect(Math.max(...jumps)).toBeLessThanOrEqual(2);
    await close();
  });

  test('opens at the first of many unread messages, with all before it up to the beginning', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Unread');
    await aMessage(app, zoe, id, 'The last one read');
    for (let next = 0; next < 120; next += 20)
      await Promise.all(Array.from({ length: 20 }, (_, index) => aMessage(app, ben, id, `Unread ${next + index}`)));
    const { page, close } = await open(app, { as: zoe, path: addressOf(id) });
    await history(page).getByText('New', { exact: true }).waitFor();
    await history(page).hover();
    await page.mouse.wheel(0, -2_000);
    await said(page, 'The last one read').waitFor();
    await page.getByText('This is the beginning of the conversation.').waitFor();
    await close();
  });

  test('opens at the message of its address, with what is around it, and goes to the end from there', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Linked');
    const first = await aMessage(app, ben, id, 'The one that is linked to');
    for (let next = 0; next < 120; next += 20)
      await Promise.all(Array.from({ length: 20 }, (_, index) => aMessage(app, ben, id, `Later ${next + index}`)));
    const { page, close } = await open(app, { as: zoe, path: `${addressOf(id)}?message=${encodeURIComponent(first.id)}` });
    await said(page, 'The one that is linked to').waitFor();
    await aMessage(app, ben, id, 'The last word');
    await page.getByRole('button', { name: /new message/ }).click();
    await said(page, 'The last word').waitFor();
    await close();
  });

  test('leads a visitor who has a code into the room as a guest', async () => {
    const { id, joinCode } = await aRoom(app, zoe, { title: 'Kitchen' });
    const { page, close } = await open(app, { path: `/join/${joinCode.toLowerCase()}` });
    await page.getByRole('heading', { level: 1, name: 'Kitchen' }).waitFor();
    await page.getByLabel('Your name').fill('Passer-by');
    await page.getByRole('button', { name: 'Come in as a guest' }).click();
    await field(page, 'Kitchen').fill('Anybody here?');
    await page.keyboard.press('Enter');
    await history(page).locator('article:not([data-state])').getByText('Anybody here?').waitFor();
    expect(new URL(page.url()).pathname).toBe(addressOf(id));
    await close();
  });

  test('tells a visitor behind whose address many codes were wrong for how long, and what they can do', async () => {
    const counted = await startTestApp({ database: app.database, env: COUNTED });
    for (let wrong = 0; wrong < 100; wrong += 1) await counted.code(RoomOf, { code: 'WXYWXYWX' });
    const { page, close } = await open(counted, { path: '/join/WXYWXYWY' });
    await page.getByText(/Many wrong codes .* try again in (24|23) hours/).waitFor();
    await page.getByRole('link', { name: 'Come in as a guest' }).waitFor();
    await close();
    await counted.stop();
  });

  test('sends, edits and deletes a message by the keyboard alone', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'By key');
    const { page, close } = await open(app, { as: zoe, path: '/messages' });
    const focused = page.locator(':focus');
    await page.getByRole('link', { name: /By key/ }).waitFor();
    for (let tabs = 0; tabs < 20; tabs += 1) {
      await page.keyboard.press('Tab');
      if (((await focused.textContent()) ?? '').includes('By key')) break;
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => focused.getAttribute('aria-label')).toBe('Write to By key');
    await page.keyboard.type('Wihtout a mouse');
    await page.keyboard.press('Enter');
    await history(page).locator('article:not([data-state])').getByText('Wihtout a mouse').waitFor();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => focused.getAttribute('aria-label')).toBe('Edit the message');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('Without a mouse');
    await page.keyboard.press('Enter');
    await said(page, 'Without a mouse').waitFor();
    await history(page).getByText('(edited)').waitFor();
    expect(new URL(page.url()).pathname).toBe(addressOf(id));
    await close();
  });

  test('counts what is unread in every tab, and reading in one is told to the others', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Two tabs');
    const { page, tab, close } = await open(app, { as: zoe, path: '/messages' });
    await page.getByRole('link', { name: /Two tabs/ }).waitFor();
    await aMessage(app, ben, id, 'Who reads this?');
    await page.getByRole('link', { name: /Two tabs.*1 unread/ }).waitFor();
    const second = await tab(addressOf(id));
    await said(second, 'Who reads this?').waitFor();
    await page.getByRole('link', { name: /Two tabs.*Who reads this\?$/ }).waitFor();
    await close();
  });

  test('says that a conversation is not there', async () => {
    const { page, close } = await open(app, { as: zoe, path: '/messages/nothing' });
    await page.getByRole('heading', { level: 1, name: 'This conversation is not there' }).waitFor();
    await close();
  });

  test('has nothing that axe objects to, in both themes, with a dialog open and in the archived list', async () => {
    const { page, close } = await open(app, { as: zoe, path: '/messages' });
    await page.getByRole('button', { name: 'New conversation' }).first().click();
    await page.getByRole('dialog').waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await page.goto(new URL('/messages?list=archived', app.url).href);
    await page
      .getByText(/archive/i)
      .first()
      .waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await close();
  });

  test('has nothing that axe objects to, in both themes, wide and narrow', async () => {
    const { id } = await aGroup(app, zoe, [ben], 'Looked at');
    const { id: messageId } = await aMessage(app, ben, id, 'With **everything**');
    await aMessage(app, zoe, id, '`code` and [a link](https://example.com)');
    await app.data(
      'mutation ($input: AddReactionInput!) { addReaction(input: $input) { __typename } }',
      { input: { messageId, emoji: '🎉' } },
      zoe,
    );
    for (const width of [1_440, 390]) {
      const { page, close } = await open(app, { as: zoe, width, path: `${addressOf(id)}?panel=members` });
      await page.getByRole('link', { name: /^ben/ }).first().waitFor();
      for (const path of [null, addressOf(id), '/messages', '/join']) {
        if (path !== null) await page.goto(new URL(path, app.url).href);
        await page.getByRole('heading', { level: 1 }).or(page.getByRole('dialog')).first().waitFor();
        expect({ path, width, found: await violationsInBothThemes(page) }).toEqual({ path, width, found: [] });
      }
      await close();
    }
  });
});
