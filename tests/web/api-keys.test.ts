import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../kit/app.js';
import { screenshot } from '../kit/browser.js';
import { aGuest } from '../kit/factories.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

describeWeb('API keys in the settings', ({ open }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
  });
  afterAll(async () => await app.stop());

  test('are made, shown once, listed with what they may do, and revoked', async () => {
    const { page, close } = await open(app, { as: await app.user('kay'), path: '/settings' });
    await page.getByRole('button', { name: 'Make a key' }).click();
    const form = page.getByRole('form', { name: 'Make a key' });
    await form.getByRole('button', { name: 'Make a key' }).click();
    await form.getByText('At least one character.').waitFor();
    await form.getByLabel('Name').fill('Nightly import');
    await form.getByLabel('write entries').check();
    await form.getByRole('button', { name: 'Make a key' }).click();
    const secret = await page.getByLabel('Your new key').inputValue();
    const { me } = await app.data<{ me: { user: { username: string } } }>('{ me { user { username } } }', {}, { token: secret });
    expect(me.user.username).toBe('kay');
    await page.getByText('see what you see, write entries').waitFor();
    expect(await violationsInBothThemes(page)).toEqual([]);
    await screenshot(page, 'settings-api-keys');
    await page.reload();
    await page.getByText('Nightly import').waitFor();
    expect(await page.getByLabel('Your new key').count()).toBe(0);
    await page.getByRole('button', { name: 'Revoke the key Nightly import' }).click();
    await page.getByText('Nightly import').waitFor({ state: 'detached' });
    expect(await app.code('{ me { id } }', {}, { token: secret })).toBe('UNAUTHENTICATED');
    await close();
  });

  test('are not for guests, who are told so', async () => {
    const { page, close } = await open(app, { as: await aGuest(app), path: '/settings', language: 'de' });
    await page.getByText('Ein Gast hat keine Schlüssel.').waitFor();
    expect(await page.getByRole('button', { name: 'Schlüssel anlegen' }).count()).toBe(0);
    await close();
  });
});
