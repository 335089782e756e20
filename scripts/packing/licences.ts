import type { ShippedPackage } from './shipped.js';

/** What may be shipped under the terms of our own licence, with a notice: SPDX ids. */
export const PERMISSIVE: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'OFL-1.1',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'Zlib',
];

/** A decision about one package, for what it states itself is nothing, or not to be taken as it is. */
export interface Exception {
  readonly name: string;
  /** What is shipped in the end: an SPDX id, or an expression. */
  readonly licence: string;
  readonly reason: string;
}

/** Every decision, each with its reason. One that is not needed any more is an error. */
export const EXCEPTIONS: readonly Exception[] = [];

/** Whether an SPDX expression leaves a way on which everything is permissive. One that mixes OR and AND is for a person to read. */
export const isPermissive = (expression: string): boolean => {
  const parts = expression
    .replaceAll(/[()]/g, ' ')
    .trim()
    .split(/\s+(OR|AND)\s+/);
  const operators = new Set(parts.filter((_, index) => index % 2 === 1));
  const licences = parts.filter((_, index) => index % 2 === 0).map((part) => PERMISSIVE.includes(part.trim()));
  if (operators.size > 1) return false;
  return operators.has('OR') ? licences.includes(true) : !licences.includes(false);
};

/** The licence under which a package is shipped: as decided, or as it states; null where nobody has said. */
export const licenceOf = ({ name, licence }: ShippedPackage, exceptions = EXCEPTIONS): string | null =>
  exceptions.find((exception) => exception.name === name)?.licence ?? licence;

/** What stands against shipping these packages, one a line. */
export const licenceFaults = (packages: readonly ShippedPackage[], exceptions = EXCEPTIONS): readonly string[] => [
  ...packages.flatMap((shipped) => {
    const licence = licenceOf(shipped, exceptions);
    const named = `${shipped.name}@${shipped.version}`;
    if (licence === null) return [`${named} states no licence`];
    return isPermissive(licence) ? [] : [`${named} is under ${licence}, which is not permissive`];
  }),
  ...exceptions
    .filter(({ name }) => !packages.some((shipped) => shipped.name === name))
    .map(({ name }) => `${name} is an exception, but is not shipped`),
];
