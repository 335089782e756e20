/**
 * Whether a row in memory has everything that a Prisma query with this `select` or `include` would read: its columns and its relations to
 * single rows. A row that lacks a part of it must be read from the database, because Pothos assumes that whatever the query asked for has
 * been loaded.
 */
export const hasAll = (row: object, query: object): boolean =>
  Object.entries(query).every(
    ([part, fields]) =>
      (part === 'select' || part === 'include') &&
      Object.entries(fields as object).every(([field, wanted]) => {
        const value = (row as Readonly<Record<string, unknown>>)[field];
        if (typeof wanted !== 'object' || wanted === null) return wanted !== true || value !== undefined;
        return typeof value === 'object' && value !== null && !Array.isArray(value) && hasAll(value, wanted as object);
      }),
  );
