/*
 * What a resolver gives of a row that holds it already, without arguments and info: most fields of a list are such. The executor asks for it first, and
 * calls the resolver itself where it is undefined.
 */

export type FromRow = (row: unknown, context: unknown) => unknown;

const FROM_ROW = Symbol('what a resolver gives of a row that holds it');

interface Marked {
  [FROM_ROW]?: FromRow;
}

export const withFromRow = <Resolver extends object>(resolver: Resolver, fromRow: FromRow): Resolver =>
  Object.assign(resolver, { [FROM_ROW]: fromRow } satisfies Marked);

export const fromRowOf = (resolver: object): FromRow | null => (resolver as Marked)[FROM_ROW] ?? null;
