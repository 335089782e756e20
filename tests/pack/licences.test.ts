import { expect, it } from 'vitest';
import { isPermissive, licenceFaults } from '../../scripts/packing/licences.js';
import type { ShippedPackage } from '../../scripts/packing/shipped.js';

const shipped = (name: string, licence: string | null): ShippedPackage => ({
  name,
  version: '1.0.0',
  licence,
  texts: [],
  dependencies: [],
});

it.each([
  ['MIT', true],
  ['(MIT OR GPL-3.0-only)', true],
  ['MIT AND Zlib', true],
  ['EPL-2.0', false],
  ['AGPL-3.0-or-later', false],
  ['MIT AND GPL-3.0-only', false],
  ['(MIT OR GPL-2.0) AND GPL-3.0-only', false],
  ['', false],
])('takes %s for permissive: %s', (licence, expected) => {
  expect(isPermissive(licence)).toBe(expected);
});

it('names what states no licence, and what is under copyleft', () => {
  expect(licenceFaults([shipped('fine', 'MIT'), shipped('seq-queue', null), shipped('elkjs', 'EPL-2.0')], [])).toEqual([
    'seq-queue@1.0.0 states no licence',
    'elkjs@1.0.0 is under EPL-2.0, which is not permissive',
  ]);
});

it('keeps to what was decided, as long as that is needed', () => {
  const decided = [{ name: 'silent', licence: 'MIT', reason: 'its repository says so' }];
  expect(licenceFaults([shipped('silent', null)], decided)).toEqual([]);
  expect(licenceFaults([shipped('other', 'MIT')], decided)).toEqual(['silent is an exception, but is not shipped']);
});
