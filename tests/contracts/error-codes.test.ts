import { readFileSync } from 'node:fs';
import { isEnumType } from 'graphql';
import { expect, it } from 'vitest';
import { withErrorTables } from '../../scripts/error-tables.js';
import { ERROR_CODES, FIELD_ERROR_CODES } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';

const valuesOf = (name: string): readonly string[] => {
  const type = schema.getType(name);
  return isEnumType(type) ? type.getValues().map((value) => value.name) : [];
};

it('the README has the codes of errors as the code has them', () => {
  const readme = readFileSync('README.md', 'utf8');
  expect(withErrorTables(readme)).toBe(readme);
});

it.each([
  ['ErrorCode', ERROR_CODES],
  ['FieldErrorCode', FIELD_ERROR_CODES],
])('the enum %s of the schema has every code', (name, codes) => {
  expect([...valuesOf(name)].sort()).toEqual(Object.keys(codes).sort());
});
