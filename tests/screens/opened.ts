import type { Page } from 'playwright-core';
import type { Scene } from './scenes.js';
import type { Filled } from './stage.js';

type Step = (page: Page) => Promise<unknown>;

const steps =
  (...all: readonly Step[]): Step =>
  async (page) => {
    for (const step of all) await step(page);
  };
const press =
  (name: string | RegExp): Step =>
  (page) =>
    page.getByRole('button', { name }).first().click();
const choose =
  (name: string): Step =>
  (page) =>
    page.getByRole('menuitem', { name, exact: true }).click();
const menu: Step = (page) => page.getByRole('menuitem').first().waitFor();
const dialog: Step = (page) => page.getByRole('dialog').waitFor();
/** The row of the list is pointed at, which shows what may be done with it. */
const point =
  (row: string, button: string | RegExp): Step =>
  async (page) => {
    const item = page
      .locator('article, [role=listitem]')
      .filter({ hasText: row })
      .filter({ has: page.locator('*') })
      .last();
    await item.hover();
    await item.getByRole('button', { name: button }).last().click();
  };

/** Every menu and every dialog of the client, open. Those that have pictures are among the scenes. */
export const openedOf = ({ ada, newcomer, admin, long, places }: Filled): readonly Scene[] => [
  { name: 'account-menu', path: '/settings', as: ada, after: steps(press('Account'), menu) },
  {
    name: 'sign-out',
    path: '/feed',
    as: ada,
    after: steps(
      (page) => page.getByRole('textbox', { name: 'Write a post' }).fill('Not finished'),
      press('Account'),
      choose('Sign out'),
      dialog,
    ),
  },
  { name: 'post-menu', path: places.post, as: ada, after: steps(press('More about the post by Ada'), menu) },
  { name: 'post-delete', path: places.post, as: ada, after: steps(press('More about the post by Ada'), choose('Delete'), dialog) },
  { name: 'comment-menu', path: places.post, as: ada, after: steps(point('That is cheating', /^More/), menu) },
  { name: 'comment-delete', path: places.post, as: ada, after: steps(point('That is cheating', /^More/), choose('Delete'), dialog) },
  { name: 'likers', path: places.post, as: ada, after: steps(press('Who likes it'), dialog) },
  { name: 'person-menu', path: '/people/ben', as: ada, after: steps(press(/^More/), menu) },
  { name: 'block', path: '/people/ben', as: ada, after: steps(press(/^More/), choose('Block'), dialog) },
  { name: 'suspend', path: '/people/ben', as: admin, after: steps(press('Suspend…'), dialog) },
  { name: 'entry-delete', path: places.ownEntry, as: ada, after: steps(press('Delete'), dialog) },
  { name: 'history-restore', path: `${places.strangeEntry}/history`, as: long, after: steps(press('Restore version 1'), dialog) },
  {
    name: 'editor-leave',
    path: '/vault/new',
    as: newcomer,
    after: steps(
      (page) => page.getByLabel('Title').fill('Not finished'),
      (page) => page.getByRole('link', { name: 'Feed' }).click(),
      dialog,
    ),
  },
  { name: 'conversation-menu', path: '/messages', as: ada, after: steps(point('Long evening', /Long evening/), menu) },
  { name: 'request-menu', path: '/messages?list=requests', as: ada, after: steps(point('stranger', /stranger/), menu) },
  { name: 'request-decline', path: places.request, as: ada, after: steps(press('Decline'), dialog) },
  { name: 'reaction-menu', path: places.group, as: ada, after: steps(point('Then it is settled', 'React'), menu) },
  { name: 'message-menu', path: places.group, as: ada, after: steps(point('Then it is settled', 'More'), menu) },
  { name: 'message-delete', path: places.group, as: ada, after: steps(point('Then it is settled', 'More'), choose('Delete'), dialog) },
  { name: 'members-add', path: `${places.group}?panel=members`, as: ada, after: steps(press('Add people'), dialog) },
  { name: 'rename', path: `${places.group}?panel=members`, as: ada, after: steps(press('Rename'), dialog) },
  { name: 'leave', path: `${places.group}?panel=members`, as: ada, after: steps(press('Leave'), dialog) },
  {
    name: 'mention',
    path: places.group,
    as: ada,
    after: async (page) => {
      await page.getByRole('textbox', { name: /^Write to/ }).pressSequentially('@b');
      await page.getByRole('listbox').waitFor();
    },
  },
  { name: 'invitation-revoke', path: '/invitations', as: admin, after: steps(press(/^Take back/), dialog) },
];
