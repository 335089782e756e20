import { readFileSync } from 'node:fs';
import { isEnumType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { withDataTable } from '../../scripts/data-protection-page.js';
import { withTables } from '../../scripts/readme-tables.js';
import { ALL_SCOPES } from '../../src/access/scopes.js';
import { allSettings, loadConfig } from '../../src/config.js';
import * as facts from '../../src/client/facts.js';
import { ERROR_CODES, FIELD_ERROR_CODES } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';

const valuesOf = (name: string): readonly string[] => {
  const type = schema.getType(name);
  return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
};

it('the README has the codes of errors and the settings as the code has them', () => {
  const readme = readFileSync('README.md', 'utf8');
  expect(withTables(readme)).toBe(readme);
});

it('the page on data protection has the tables of people as the code has them', () => {
  const page = readFileSync('docs/data-protection.md', 'utf8');
  expect(withDataTable(page)).toBe(page);
});

it.each([
  ['ErrorCode', ERROR_CODES],
  ['FieldErrorCode', FIELD_ERROR_CODES],
])('the enum %s of the schema has every code', (name, codes) => {
  expect([...valuesOf(name)].sort()).toEqual(Object.keys(codes).sort());
});

it('each setting stands once in the table', () => {
  const names = allSettings().map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

it('the documents name no setting that there is not', () => {
  const names = new Set<string>(allSettings().map(({ name }) => name));
  const codes = [...Object.keys(ERROR_CODES), ...Object.keys(FIELD_ERROR_CODES)];
  const ofOthers = new Set(['TEST_REDIS_URL', 'RANDOM_CASES', 'READ_ONLY', 'LC_CTYPE', ...codes, ...Object.keys(facts), ...ALL_SCOPES]);
  for (const file of ['README.md', 'ARCHITECTURE.md', 'docs/data-protection.md', 'src/realtime/PROTOCOL.md']) {
    const named = [...readFileSync(file, 'utf8').matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => name);
    expect(
      named.filter((name) => !names.has(name) && !ofOthers.has(name)),
      file,
    ).toEqual([]);
  }
});

it.each(allSettings().map((setting) => [setting.name, setting]))('the default of %s is a value that it may have', (_name, setting) => {
  for (const env of ['development', 'test', 'production'] as const) {
    const value = setting.defaultOf({ env, given: () => undefined });
    if (value === null || setting.kind.text.startsWith('a number and')) continue;
    expect(
      setting.kind.schema.safeParse(Array.isArray(value) ? value.join(',') : String(value as string | number | boolean)),
      env,
    ).toMatchObject({
      success: true,
      data: value,
    });
  }
});

it('every mistake in the settings is told at once', () => {
  const wrong = { PORT: 'x', WORKERS: '2', HTTP_HEADERS_TIMEOUT_MS: '2000', HTTP_REQUEST_TIMEOUT_MS: '1000', TRUST_PROXY: 'perhaps' };
  expect(() => loadConfig(wrong)).toThrow(/PORT: .*\n.*TRUST_PROXY: .*\n.*WORKERS: .*\n.*HTTP_REQUEST_TIMEOUT_MS: /);
});

describe('the issuers of OpenID Connect', () => {
  const house = { name: 'house', issuer: 'https://id.example', clientId: 'lyceum' };
  const load = (issuers: unknown, env: Record<string, string> = {}) =>
    loadConfig({ ...env, OIDC_ISSUERS: typeof issuers === 'string' ? issuers : JSON.stringify(issuers) }).oidc.issuers;

  it('are a list, of which little must be said', () => {
    expect(load([house])).toEqual([
      {
        ...house,
        label: 'house',
        clientSecret: null,
        scopes: 'openid profile email',
        redirectUris: [],
        createAccounts: true,
        trustMail: false,
        tokenAudience: null,
      },
    ]);
  });

  it.each([
    ['no JSON', '{', /must be a list in JSON/],
    ['no list', {}, /OIDC_ISSUERS: /],
    ['a word that is not known', [{ ...house, secret: 'x' }], /0: .*secret/],
    ['one without a name', [{ ...house, name: '' }], /0\.name: /],
    ['an address that others can listen to', [{ ...house, issuer: 'http://id.example' }], /0\.issuer: must be a URL/],
    ['scopes without openid', [{ ...house, scopes: 'email' }], /0\.scopes: must have openid/],
    ['two of one name', [house, { ...house, issuer: 'https://other.example' }], /the same name/],
    ['one twice', [house, { ...house, name: 'other', issuer: 'https://id.example/' }], /there twice/],
  ])('are refused with %s', (_what, issuers, message) => {
    expect(() => load(issuers)).toThrow(message);
  });

  it('are refused without what leads back to this server', () => {
    expect(() => load([house], { WEB_CLIENT: 'false' })).toThrow(/house needs redirectUris/);
    expect(() => load([house], { NODE_ENV: 'production' })).toThrow(/OIDC_ISSUERS: needs PUBLIC_URL/);
    expect(() => load([{ ...house, issuer: 'https://lyceum.example' }], { JWT_ISSUER: 'https://lyceum.example' })).toThrow(/JWT_ISSUER/);
  });

  it('are refused without a word of what they hold', () => {
    const told = (() => {
      try {
        return load([{ ...house, clientSecret: 7, clientId: '', hidden: 'treasure' }]);
      } catch (error) {
        return String(error);
      }
    })();
    expect(told).toMatch(/clientSecret.*\n?/);
    expect(told).not.toContain('treasure');
  });
});
