import { Prisma } from './generated/prisma/client.js';

/*
 * Texts are searched without accents, case and forms of width: `cafe` finds `Café`. Both sides take the same way, the functions `search_key` and
 * `search_pattern` of the database, for whose results there are indexes of words.
 */

/** A condition in SQL: a column has a text in it. The index of it is one over `search_key(column)`. */
export const contains = (column: Prisma.Sql, words: string): Prisma.Sql => keyContains(Prisma.sql`search_key(${column})`, words);

/** The same for a column that is a key already. */
export const keyContains = (key: Prisma.Sql, words: string): Prisma.Sql => Prisma.sql`${key} LIKE '%' || search_pattern(${words}) || '%'`;

/** A condition in SQL: a word of a column begins with a text. */
export const hasWordFrom = (column: Prisma.Sql, words: string): Prisma.Sql =>
  Prisma.sql`(search_key(${column}) LIKE search_pattern(${words}) || '%' OR search_key(${column}) LIKE '% ' || search_pattern(${words}) || '%')`;
