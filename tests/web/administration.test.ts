import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, Register, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { anApiKey, LogIn } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

const SetRoleByKey = graphql(`
  mutation SetRoleByKey($userId: ID!, $role: Role!) {
    setUserRole(input: { userId: $userId, role: $role }) {
      user {
        id
      }
    }
  }
`);

describeWeb('what administrators do', ({ open }) => {
  let app: TestApp;
  let chief: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    chief = await app.userWithRole('chief', 'ADMIN');
  });
  afterAll(async () => await app.stop());

  test('an account is suspended and opened again on its page, which another tab of its user notices at once', async () => {
    const user = await app.user('spammer');
    const theirs = await open(app, { as: user, path: '/notifications' });
    await theirs.page.getByText('Nothing yet').waitFor();
    const { page, close } = await open(app, { as: chief, path: '/people/spammer' });
    await page.getByRole('button', { name: 'Suspend…' }).click();
    await page.getByLabel('For how long').selectOption({ label: '7 days' });
    await page.getByLabel('Reason').fill('Advertises');
    await screenshot(page, 'web-suspend');
    await page.getByRole('button', { name: 'Suspend', exact: true }).click();
    await page.getByText(/Suspended until .* Advertises/).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'web-administration');
    await theirs.page.getByRole('heading', { level: 1, name: 'Notifications' }).waitFor();
    await theirs.page.getByRole('main').getByRole('link', { name: 'Sign in' }).waitFor();
    expect(await app.code(LogIn, { identifier: 'spammer', password: PASSWORD })).toBe('LOCKED');
    await page.getByRole('button', { name: 'Lift the suspension' }).click();
    await page.getByText('spammer can come in again.').waitFor();
    expect(await app.code(LogIn, { identifier: 'spammer', password: PASSWORD })).toBeUndefined();
    theirs.complaints();
    await theirs.close();
    await close();
  });

  test('what somebody has open is seen and ended', async () => {
    const user = await app.user('wanderer');
    const theirs = await open(app, { as: user, path: '/notifications' });
    await theirs.page.getByText('Nothing yet').waitFor();
    const { page, close } = await open(app, { as: chief, path: '/people/wanderer' });
    await page.getByRole('button', { name: 'Connections' }).click();
    await page.getByText(/\d subscriptions?/).waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'web-connections');
    await page
      .getByRole('button', { name: /^End the session of/ })
      .first()
      .click();
    await theirs.page.getByRole('main').getByRole('link', { name: 'Sign in' }).waitFor();
    await page.getByText('Nothing is open at this moment.').waitFor();
    theirs.complaints();
    await theirs.close();
    await close();
  });

  test('a role is given, and the audit tells of it', async () => {
    const helper = await app.user('helper');
    const { page, close } = await open(app, { as: chief, path: '/people/helper' });
    await page.getByLabel('Role').selectOption('MODERATOR');
    await page.getByText('Moderator', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Audit' }).click();
    await page.getByRole('combobox', { name: 'What was done' }).selectOption('setUserRole');
    const row = page.getByRole('row', { name: /chief setUserRole helper/ });
    await row.waitFor();
    expect(await row.textContent()).toContain('{"before":"MEMBER","role":"MODERATOR"}');
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'web-audit');
    await row.getByRole('link', { name: 'chief' }).click();
    await page.getByRole('link', { name: 'Acts of all' }).click();
    await app.data(SetRoleByKey, { userId: helper.id, role: 'MEMBER' }, await anApiKey(app, chief, ['ADMIN']));
    await page.reload();
    await page.getByRole('combobox', { name: 'By what' }).selectOption('API key');
    await page
      .getByRole('row', { name: /chief setUserRole helper/ })
      .getByRole('link', { name: 'API key' })
      .click();
    await page.getByRole('link', { name: 'Acts of all' }).waitFor();
    await page.getByRole('row', { name: /chief setUserRole helper/ }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    await close();
  });

  test('an invitation is made, its link shown once and copied, used by somebody, and taken back', async () => {
    const { page, close } = await open(app, { as: chief, path: '/vault' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Invitations' }).click();
    await page.getByText('No invitations yet').waitFor();
    await page.getByLabel('For how many accounts').fill('2');
    await page.getByLabel('Good for').selectOption({ label: '30 days' });
    await page.getByLabel('What it is for').fill('The reading group');
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.getByLabel('Link of the invitation').inputValue();
    await page.getByRole('button', { name: 'Copy the link' }).click();
    await page.getByText('The link is copied.').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(link);
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'web-invitations');
    await page.getByRole('button', { name: 'Done' }).click();
    expect(await page.getByLabel('Link of the invitation').count()).toBe(0);
    const row = page.getByRole('listitem').filter({ hasText: 'The reading group' });
    await row.getByText('0 of 2 used').waitFor();
    const invitation = new URL(link).hash.slice(1);
    await app.data(Register, { input: { username: 'invited', email: 'invited@example.com', password: PASSWORD, invitation } });
    await page.reload();
    await row.getByText('1 of 2 used').waitFor();
    await row.getByRole('button', { name: 'Take back: The reading group' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await row.getByText(/taken back/).waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await close();
  });

  test('what is wrong with an invitation stands at its field', async () => {
    const { page, close } = await open(app, { as: chief, path: '/invitations' });
    await page.getByLabel('For how many accounts').fill('0');
    await page.getByRole('button', { name: 'Make a link' }).click();
    await page.getByText('A whole number, at least 1.').waitFor();
    await page.getByLabel('For how many accounts').fill('10001');
    await page.getByRole('button', { name: 'Make a link' }).click();
    await page.getByText(/^At most 10.?000\.$/).waitFor();
    await close();
  });

  test('nobody else is shown any of it', async () => {
    const { page, close } = await open(app, { as: await app.user('curious'), path: '/people/chief' });
    await page.getByRole('button', { name: 'Follow', exact: true }).waitFor();
    expect(await page.getByRole('heading', { name: 'Administration' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Settings' }).waitFor();
    expect(await page.getByRole('menuitem', { name: /Audit|Invitations/ }).count()).toBe(0);
    await close();
  });
});
