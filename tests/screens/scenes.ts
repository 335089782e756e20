import type { Page } from 'playwright-core';
import { PASSWORD, type TestUser } from '../kit/app.js';
import type { Filled } from './stage.js';

/** A page in a state: what is looked at, at every width and in every theme. */
export interface Scene {
  readonly name: string;
  readonly path: string;
  readonly as?: TestUser;
  readonly language?: 'en' | 'de';
  /** Brings about the state before the page is opened. */
  readonly before?: (page: Page) => Promise<unknown>;
  /** Waits until it is shown, or brings it about. */
  readonly after?: (page: Page) => Promise<unknown>;
  /** It shows how one waits: there are placeholders. */
  readonly isWaiting?: boolean;
}

const answerNothing = (page: Page): Promise<unknown> => page.route('**/graphql', () => undefined);
const answerError = (page: Page): Promise<unknown> =>
  page.route('**/graphql', async (route) => {
    const error = { message: 'Internal error', extensions: { code: 'INTERNAL', traceId: '0f3a9c1b2d4e5f60' } };
    await route.fulfill({ json: { data: null, errors: [error] } });
  });
const failed = (page: Page): Promise<void> => page.getByRole('alert').first().waitFor();
const text =
  (words: string | RegExp) =>
  (page: Page): Promise<void> =>
    page.getByRole('main').getByText(words).locator('visible=true').first().waitFor();

/** Scrolls to a part of a page. */
const partOf =
  (title: string) =>
  (page: Page): Promise<void> =>
    page.getByRole('heading', { name: title, exact: true }).evaluate((heading) => heading.scrollIntoView({ block: 'start' }));

/** Opens what the latest version of an entry has changed. */
const firstChange = async (page: Page): Promise<void> => {
  await page
    .getByRole('button', { name: /^What changed in version/ })
    .first()
    .click();
  await page.locator('ins').first().waitFor();
};

/** All of them, in the order of the table in `docs/screens/README.md`. */
export const scenesOf = ({ ada, admin, newcomer, long, guarded, places }: Filled): readonly Scene[] => [
  { name: 'vault', path: '/vault', after: text('Comparing secrets') },
  { name: 'vault-category', path: '/vault?category=technical&order=title', as: ada },
  { name: 'vault-search', path: '/vault?search=longitude', as: ada, after: (page) => page.locator('mark').first().waitFor() },
  { name: 'vault-nothing', path: '/vault?search=zzzzzz', as: ada },
  { name: 'vault-loading', path: '/vault', before: answerNothing, isWaiting: true },
  { name: 'vault-error', path: '/vault', before: answerError, after: failed },
  { name: 'entry', path: places.entry },
  { name: 'entry-strange', path: places.strangeEntry, as: ada },
  { name: 'entry-own', path: places.ownEntry, as: ada },
  { name: 'entry-loading', path: places.entry, before: answerNothing, isWaiting: true },
  { name: 'history', path: `${places.strangeEntry}/history`, as: long, after: firstChange },
  { name: 'editor-new', path: '/vault/new', as: ada },
  { name: 'editor-edit', path: `${places.ownEntry}/edit?tab=preview`, as: ada },
  { name: 'editor-visitor', path: '/vault/new' },
  { name: 'feed', path: '/feed', as: ada, after: text(/What do you read/) },
  { name: 'feed-everyone-german', path: '/feed?of=everyone', as: ada, language: 'de' },
  { name: 'feed-nothing', path: '/feed', as: long },
  { name: 'feed-visitor', path: '/feed' },
  { name: 'feed-loading', path: '/feed', as: ada, before: answerNothing, isWaiting: true },
  { name: 'post', path: places.post, as: ada, after: text(/manual of the coffee/) },
  { name: 'post-strange', path: places.strangePost, as: ada },
  { name: 'people', path: '/people', as: ada, after: text('Farid') },
  { name: 'person', path: '/people/ben', as: ada },
  { name: 'person-administered', path: '/people/ben', as: admin, after: text('Suspend…') },
  { name: 'person-own', path: '/people/newcomer', as: newcomer },
  { name: 'person-strange', path: `/people/${long.username}`, as: ada },
  { name: 'messages', path: '/messages', as: ada },
  { name: 'messages-nothing', path: '/messages', as: newcomer },
  { name: 'messages-visitor', path: '/messages' },
  { name: 'messages-requests', path: '/messages?list=requests', as: ada },
  {
    name: 'messages-new',
    path: '/messages',
    as: ada,
    after: async (page) => {
      await page.getByRole('button', { name: 'New conversation' }).first().click();
      await page.getByRole('dialog').getByRole('combobox').fill('be');
      await page.getByRole('dialog').getByRole('option').first().waitFor();
    },
  },
  { name: 'conversation', path: places.group, as: ada, after: text(/will you bring the book/) },
  { name: 'conversation-members', path: `${places.group}?panel=members`, as: ada },
  { name: 'conversation-right-to-left', path: places.direct, as: ada, after: text('شكرًا') },
  { name: 'conversation-request', path: places.request, as: ada, after: text(/we have not met/) },
  { name: 'conversation-nothing', path: places.room, as: ada },
  {
    name: 'conversation-offline',
    path: places.group,
    as: ada,
    after: async (page) => {
      await text(/will you bring the book/)(page);
      await page.context().setOffline(true);
      await page.getByRole('textbox', { name: /^Write to/ }).fill('I will');
      await page.keyboard.press('Enter');
      await page.getByText('Waits for the connection').waitFor();
      await page
        .getByText(/^Offline/)
        .first()
        .waitFor();
    },
  },
  { name: 'conversation-loading', path: places.group, as: ada, before: answerNothing, isWaiting: true },
  { name: 'conversation-not-found', path: '/messages/nothing', as: ada },
  { name: 'rooms', path: '/join', as: ada },
  { name: 'room-link', path: `/join/${places.joinCode}` },
  { name: 'notifications', path: '/notifications', as: ada },
  { name: 'notifications-nothing', path: '/notifications', as: newcomer },
  { name: 'settings', path: '/settings', as: ada },
  { name: 'settings-privacy', path: '/settings', as: ada, after: partOf('What others may do') },
  { name: 'settings-account', path: '/settings', as: ada, after: partOf('Account') },
  { name: 'settings-second-factor', path: '/settings', as: ada, after: partOf('Second factor') },
  { name: 'settings-german', path: '/settings', as: ada, language: 'de' },
  { name: 'invitations', path: '/invitations', as: admin, after: text('The reading circle') },
  { name: 'invitations-nothing', path: '/invitations', as: newcomer },
  { name: 'audit', path: '/audit', as: admin },
  { name: 'alerts', path: '/alerts', as: admin, after: text('Many sign-ins have failed') },
  { name: 'alerts-german', path: '/alerts', as: admin, language: 'de', after: text('Viele Anmeldungen sind gescheitert') },
  { name: 'alerts-not-allowed', path: '/alerts', as: ada, after: failed },
  { name: 'alerts-loading', path: '/alerts', as: admin, before: answerNothing, isWaiting: true },
  { name: 'developers', path: '/developers' },
  { name: 'sign-in', path: '/sign-in' },
  {
    name: 'sign-in-second-step',
    path: '/sign-in',
    after: async (page) => {
      await page.getByLabel('Username or email address').fill(guarded.username);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByLabel('Code').waitFor();
    },
  },
  { name: 'sign-in-oidc-cancelled', path: '/sign-in/oidc?state=0&error=access_denied', after: failed },
  { name: 'register-german', path: '/register', language: 'de' },
  { name: 'guest', path: '/guest' },
  { name: 'verify-email', path: `/verify-email#${'0'.repeat(64)}` },
  { name: 'confirm-sign-in', path: `/confirm-sign-in#${'0'.repeat(64)}` },
  { name: 'forgot-password', path: '/forgot-password' },
  { name: 'reset-password', path: `/reset-password#${'0'.repeat(64)}` },
  { name: 'not-found', path: '/nowhere' },
  {
    name: 'palette',
    path: '/vault',
    as: ada,
    after: async (page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').getByRole('combobox').fill('be');
      await page.getByRole('dialog').getByRole('option').first().waitFor();
    },
  },
  {
    name: 'keys',
    path: '/vault',
    as: ada,
    after: async (page) => {
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  },
];
