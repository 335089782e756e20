import { readFileSync } from 'node:fs';
import { isEnumType } from 'graphql';
import { expect, it } from 'vitest';
import { withTables } from '../../scripts/readme-tables.js';
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
  const ofOthers = new Set(['TEST_REDIS_URL', 'READ_ONLY', ...codes, ...Object.keys(facts)]);
  for (const file of ['README.md', 'ARCHITECTURE.md', 'src/realtime/PROTOCOL.md']) {
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
