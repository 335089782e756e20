import { badInput } from '../errors.js';
import { isUuid } from './uuid.js';

/**
 * Keyset pagination: a page begins after a row of an order, found by comparing columns, not by counting rows. Rows that are inserted or
 * deleted meanwhile do not shift pages. The last column of an order is unique, so rows with equal values are neither lost nor repeated.
 */
export interface Keyset<Row> {
  /** The name of the order, which is part of its cursors: a cursor of another order is refused. */
  readonly name: string;
  readonly columns: readonly KeysetColumn<Row>[];
  /** Replaces the default encoding of cursors, for lists whose cursors have another use too (a message's cursor is that of its event). */
  readonly cursor?: { readonly encode: (row: Row) => string; readonly decode: (cursor: string, path: string) => KeysetValue[] } | undefined;
}

export type KeysetValue = string | number | Date;

export interface KeysetColumn<Row> {
  /** The column's name in Prisma. */
  readonly field: string;
  readonly type: 'uuid' | 'text' | 'int' | 'date';
  readonly direction: 'asc' | 'desc';
  readonly value: (row: Row) => KeysetValue;
}

/** The order of rows by their `createdAt`, the latest first; those of the same moment by a column of UUIDs that is unique in the list. */
export const byRecency = <Unique extends string>(
  name: string,
  unique: Unique,
): Keyset<{ readonly createdAt: Date } & Readonly<Record<Unique, string>>> => ({
  name,
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: ({ createdAt }) => createdAt },
    { field: unique, type: 'uuid', direction: 'desc', value: (row) => row[unique] },
  ],
});

export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly last?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly before?: string | null | undefined;
}

/** The bounds of a page and the end it is taken from. */
export interface PageBounds {
  /** The values of the order's columns at the cursor; null without a cursor. */
  readonly after: readonly KeysetValue[] | null;
  readonly before: readonly KeysetValue[] | null;
  readonly backward: boolean;
}

export interface Page<Row> {
  /**
   * How many rows are to be read: one more than the page holds, which tells whether there is a further page. An empty page (`first: 0`) is
   * read in the same way.
   */
  readonly take: number;
  readonly bounds: PageBounds;
  /** Builds the connection from the rows that were read, in the order of the page. */
  readonly connect: (rows: readonly Row[]) => Connection<Row>;
}

/** A row of a page. Its cursor is made only when somebody asks for it. */
export interface Edge<Row> {
  readonly node: Row;
  readonly cursor: () => string;
}

export interface Connection<Row> {
  readonly edges: readonly Edge<Row>[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

/**
 * Plans one page.
 * @param fromEnd whether a page without `first`, `last`, `after` and `before` is the last page instead of the first
 * @throws BAD_USER_INPUT for a size outside 0..100, for both `first` and `last`, or for a cursor of another order
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
  return {
    bounds,
    take: size + 1,
    connect: (rows) => {
      const more = rows.length > size;
      const kept = rows.slice(0, size);
      if (backward) kept.reverse();
      return {
        edges: kept.map((node) => ({ node, cursor: () => encode(keyset, node) })),
        hasNextPage: backward ? isGiven(before) : more,
        hasPreviousPage: backward ? more : isGiven(after),
      };
    },
  };
};

/** Checks the size of a page. @throws BAD_USER_INPUT when it is below 0 or above {@link MAX_PAGE} */
export const assertPageSize = (path: string, size: number): void => {
  if (size >= 0 && size <= MAX_PAGE) return;
  const code = size < 0 ? 'TOO_SMALL' : 'TOO_LARGE';
  throw badInput({ path, code, message: `Must be between 0 and ${MAX_PAGE}.`, params: { min: 0, max: MAX_PAGE } });
};

/** Whether an optional argument was given and is not null. */
export const isGiven = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;

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
      // JavaScript and PostgreSQL write other years differently. The year of an invalid date is NaN, which is refused too.
      return date !== null && date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9_999 ? date : null;
    }
    case 'uuid':
      return typeof value === 'string' && isUuid(value) ? value : null;
    case 'text':
      // PostgreSQL's text cannot contain NUL.
      return typeof value === 'string' && !value.includes('\0') ? value : null;
  }
};
