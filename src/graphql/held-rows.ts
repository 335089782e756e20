/**
 * Whether a row at hand has all that a Prisma query with this `select` or `include` would read: the columns, and relations to one row. A row that
 * lacks a part of it must be read, because Pothos takes what a query was planned with for loaded.
 */
export const holds = (row: object, query: object): boolean =>
  Object.entries(query).every(
    ([part, fields]) =>
      (part === 'select' || part === 'include') &&
      Object.entries(fields as object).every(([field, wanted]) => {
        const value = (row as Readonly<Record<string, unknown>>)[field];
        if (typeof wanted !== 'object' || wanted === null) return wanted !== true || value !== undefined;
        return typeof value === 'object' && value !== null && !Array.isArray(value) && holds(value, wanted as object);
      }),
  );
