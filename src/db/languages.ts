import pg from 'pg';

/** The collation of everything that is ordered by name: the order of the Unicode Collation Algorithm, that of no language in particular. */
export const COLLATION = 'und-x-icu';

/** What of a database decides whether texts of all languages are found and ordered. */
export interface LanguageFaults {
  /** Whether its indexes of words see no letters but those of ASCII: others are then found by reading everything, and never when they are few. */
  readonly isBlind: boolean;
  /** Whether names were ordered by another release of ICU than the one that is there now: lists by name may lack some. */
  readonly isOrderedOtherwise: boolean;
}

/** What to do about a blind database. */
export const BLIND_REMEDY = `UPDATE pg_database SET datctype = 'C.UTF-8' WHERE datname = 'lyceum' (as a superuser), connect anew, REINDEX DATABASE lyceum`;
export const ORDER_REMEDY = `REINDEX DATABASE lyceum; ALTER COLLATION pg_catalog."${COLLATION}" REFRESH VERSION`;

/** Looks at a database. Before its first migration there is nothing to be wrong. */
export const findLanguageFaults = async (client: pg.Client): Promise<LanguageFaults> => {
  const { rows: extensions } = await client.query<{ readonly schema: string }>(
    `SELECT nspname AS schema FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_trgm'`,
  );
  const [{ schema } = { schema: null }] = extensions;
  const { rows: seen } =
    schema === null
      ? { rows: [] }
      : // eslint-disable-next-line no-restricted-syntax -- a name, which is escaped
        await client.query<{ readonly blind: boolean }>(`SELECT ${pg.escapeIdentifier(schema)}.show_trgm('é') = '{}' AS blind`);
  const { rows: ordered } = await client.query<{ readonly otherwise: boolean }>(
    `SELECT collversion <> pg_collation_actual_version(oid) AS otherwise FROM pg_collation
     WHERE collname = $1 AND collnamespace = 'pg_catalog'::regnamespace`,
    [COLLATION],
  );
  return { isBlind: seen[0]?.blind === true, isOrderedOtherwise: ordered[0]?.otherwise === true };
};
