import { badInput } from '../errors.js';
import { isUuid } from './uuid.js';

/**
 * Keyset pages: a page is what follows a row in an order, found by comparing columns, never by counting rows. Rows that are
 * inserted or deleted meanwhile move no page, and the last column of an order is unique, so ties lose and repeat nothing.
 */
export interface Keyset<Row> {
  /** Names the order inside its cursors: a cursor of one order is no cursor of another. */
  readonly name: string;
  readonly columns: readonly KeysetColumn<Row>[];
  /** Replaces the default form of a cursor, for lists whose cursors mean something elsewhere too. */
  readonly cursor?: { readonly encode: (row: Row) => string; readonly decode: (cursor: string, path: string) => KeysetValue[] } | undefined;
}

export type KeysetValue = string | number | Date;

export interface KeysetColumn<Row> {
  /** The column's name in Prisma; `author.name` stands for a column of a relation. */
  readonly field: string;
  readonly type: 'uuid' | 'text' | 'int' | 'date';
  readonly direction: 'asc' | 'desc';
  readonly value: (row: Row) => KeysetValue;
}

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/**
 * What a page asks of Prisma. One row more than the page is taken, to know whether there is a further one: a page of no rows at all, which
 * only asks that, is read like any other.
 */
export interface PageQuery {
  // Prisma's own types differ by model and the conditions are the same for all: the caller's model checks the names.
  readonly where: { readonly AND: Record<string, unknown>[] };
  readonly orderBy: Record<string, unknown>[];
  readonly take: number;
}

/** Between which rows a page lies, and from which end it is taken, for a list whose plan Prisma's conditions cannot bring about. */
export interface PageBounds {
  /** The values of the order's columns; null for none. */
  readonly after: readonly KeysetValue[] | null;
  readonly before: readonly KeysetValue[] | null;
  readonly backward: boolean;
}

export interface Page<Row> {
  readonly query: PageQuery;
  readonly bounds: PageBounds;
  /** Makes the connection from the rows that `query` gave. */
  readonly connect: (rows: readonly Row[]) => Connection<Row>;
}

export interface Connection<Row> {
  readonly edges: { cursor: string; node: Row }[];
  readonly pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

/**
 * Plans one page.
 * @param fromEnd a page without `first`, `last`, `after` or `before` is the last one instead of the first
 * @throws BAD_USER_INPUT for a size out of 0..100, both `first` and `last`, or a cursor that is none of this order
 */
export const planPage = <Row>(keyset: Keyset<Row>, args: PageArgs, fromEnd = false): Page<Row> => {
  const { first, last, after, before } = args;
  if (isGiven(first) && isGiven(last)) throw badInput({ path: 'last', code: 'EXCLUSIVE', message: 'Give either first or last, not both.' });
  for (const [path, size] of Object.entries({ first, last })) {
    if (isGiven(size)) assertPageSize(path, size);
  }
  const backward = isGiven(last) || (fromEnd && !isGiven(first) && !isGiven(after));
  const size = first ?? last ?? DEFAULT_PAGE;
  const bounds: PageBounds = {
    after: isGiven(after) ? decode(keyset, after, 'after') : null,
    before: isGiven(before) ? decode(keyset, before, 'before') : null,
    backward,
  };
  const conditions: Record<string, unknown>[] = [];
  if (bounds.after !== null) conditions.push(...beyond(keyset, bounds.after, 'after'));
  if (bounds.before !== null) conditions.push(...beyond(keyset, bounds.before, 'before'));
  return {
    bounds,
    query: {
      where: { AND: conditions },
      orderBy: keyset.columns.map(({ field, direction }) => nest(field, backward ? opposite(direction) : direction)),
      take: size + 1,
    },
    connect: (rows) => {
      const more = rows.length > size;
      const kept = rows.slice(0, size);
      if (backward) kept.reverse();
      const edges = kept.map((node) => ({ cursor: encode(keyset, node), node }));
      return {
        edges,
        pageInfo: {
          hasNextPage: backward ? isGiven(before) : more,
          hasPreviousPage: backward ? more : isGiven(after),
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        },
      };
    },
  };
};

/** @throws BAD_USER_INPUT for the number of items asked for in one page, below 0 or above {@link MAX_PAGE} */
export const assertPageSize = (path: string, size: number): void => {
  if (size >= 0 && size <= MAX_PAGE) return;
  const code = size < 0 ? 'TOO_SMALL' : 'TOO_LARGE';
  throw badInput({ path, code, message: `Must be between 0 and ${MAX_PAGE}.`, params: { min: 0, max: MAX_PAGE } });
};

/** Whether an argument that may be left out, or be null, is there. */
export const isGiven = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;
const opposite = (direction: 'asc' | 'desc'): 'asc' | 'desc' => (direction === 'asc' ? 'desc' : 'asc');

/** `nest('author.name', v)` is `{ author: { name: v } }`. */
const nest = (field: string, value: unknown): Record<string, unknown> => {
  const [head = field, ...rest] = field.split('.');
  return { [head]: rest.length === 0 ? value : nest(rest.join('.'), value) };
};

/**
 * The rows beyond `values`. The comparison of the first column is given twice: alone, so that an index can begin
 * there, and within the alternatives that settle ties.
 */
const beyond = <Row>(keyset: Keyset<Row>, values: readonly KeysetValue[], side: 'after' | 'before'): Record<string, unknown>[] => {
  const comparisons = keyset.columns.map(({ field, direction }, index) => ({
    field,
    operator: (direction === 'asc') === (side === 'after') ? 'gt' : 'lt',
    value: values[index],
  }));
  const alternatives = comparisons.map(({ field, operator, value }, index) => ({
    AND: [...comparisons.slice(0, index).map((tied) => nest(tied.field, tied.value)), nest(field, { [operator]: value })],
  }));
  const [leading] = comparisons;
  return leading === undefined ? [] : [nest(leading.field, { [`${leading.operator}e`]: leading.value }), { OR: alternatives }];
};

const encode = <Row>(keyset: Keyset<Row>, row: Row): string => {
  if (keyset.cursor) return keyset.cursor.encode(row);
  const values = keyset.columns.map(({ value }) => value(row));
  return Buffer.from(JSON.stringify([keyset.name, ...values])).toString('base64url');
};

const decode = <Row>(keyset: Keyset<Row>, cursor: string, path: string): KeysetValue[] => {
  if (keyset.cursor) return keyset.cursor.decode(cursor, path);
  const wrong = badInput({ path, code: 'INVALID_CURSOR', message: 'This is not a cursor of this list in this order.' });
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw wrong;
  }
  if (!Array.isArray(parsed) || parsed.length !== keyset.columns.length + 1 || parsed[0] !== keyset.name) throw wrong;
  return keyset.columns.map(({ type }, index) => {
    const value = parseValue(type, parsed[index + 1]);
    if (value === null) throw wrong;
    return value;
  });
};

const parseValue = (type: KeysetColumn<never>['type'], value: unknown): KeysetValue | null => {
  switch (type) {
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2_147_483_647 ? value : null;
    case 'date': {
      const date = typeof value === 'string' ? new Date(value) : null;
      // Other years JavaScript and PostgreSQL write differently; that of an invalid date is NaN.
      return date !== null && date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9_999 ? date : null;
    }
    case 'uuid':
      return typeof value === 'string' && isUuid(value) ? value : null;
    case 'text':
      // PostgreSQL has no text with a NUL in it.
      return typeof value === 'string' && !value.includes('\0') ? value : null;
  }
};
