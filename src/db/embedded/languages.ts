import pg from 'pg';
import { isUnknownLocale } from '../../observability/failures.js';
import type { Log } from '../../observability/log.js';
import { COLLATION, findLanguageFaults } from '../languages.js';

/**
 * By which name systems know the kinds of all characters (LC_CTYPE), the likeliest first. PostgreSQL's indexes of words ask the system, whatever the
 * collation; the last one is everywhere, and knows those of ASCII alone.
 */
export const CTYPES = ['C.UTF-8', 'C.utf8', 'en_US.UTF-8', 'UTF-8', 'C'] as const;

type Superuser = pg.ClientConfig & { readonly database: string };

const TIMEOUT_MS = 10_000;

/** A setting of the database that stays until its indexes were made anew, so that it is done although the process may end in between. */
const UNFINISHED = 'lyceum.reindex';

const connect = async (superuser: Superuser): Promise<pg.Client> => {
  const client = new pg.Client({ ...superuser, connectionTimeoutMillis: TIMEOUT_MS });
  // A lost connection rejects the running query and emits `error` too; without a listener that would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

/** Connects, acts and disconnects: LC_CTYPE and the settings of a database are those of when a connection began. */
const over = async <Result>(superuser: Superuser, act: (client: pg.Client) => Promise<Result>): Promise<Result> => {
  const client = await connect(superuser);
  try {
    return await act(client);
  } finally {
    await client.end();
  }
};

/**
 * Brings a cluster of an earlier release, or one that another build of PostgreSQL has made, to know the letters of all languages and their order: what
 * its indexes were made by may have changed, so they are made anew.
 */
export const learnLanguages = async (superuser: Superuser, log: Log): Promise<void> => {
  const isLearnt = await over(superuser, async (client) => {
    const { rows } = await client.query<{ readonly ctype: string; readonly unfinished: string | null }>(
      `SELECT datctype AS ctype, current_setting($1, true) AS unfinished FROM pg_database WHERE datname = current_database()`,
      [UNFINISHED],
    );
    const [{ ctype, unfinished } = { ctype: '', unfinished: null }] = rows;
    const isChanged = (ctype === 'C' || ctype === 'POSIX') && (await changeCtype(client, superuser.database));
    return !isChanged && unfinished !== 'yes' && !(await findLanguageFaults(client)).isOrderedOtherwise;
  });
  if (isLearnt) return;
  await over(superuser, async (client) => {
    const database = pg.escapeIdentifier(superuser.database);
    const { rows } = await client.query<{ readonly statement: string }>(INDEXES_OF_LANGUAGES, [COLLATION]);
    if (rows.length > 0)
      log.info({ indexes: rows.length }, 'the embedded PostgreSQL learns the letters of all languages; this may take minutes');
    for (const { statement } of rows) await client.query(statement);
    // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
    await client.query(`ALTER COLLATION pg_catalog.${pg.escapeIdentifier(COLLATION)} REFRESH VERSION`);
    // eslint-disable-next-line no-restricted-syntax -- the same
    await client.query(`ALTER DATABASE ${database} RESET ${UNFINISHED}`);
  });
};

/** Gives all databases of the cluster the first LC_CTYPE that this system knows; false when it knows none. */
const changeCtype = async (client: pg.Client, name: string): Promise<boolean> => {
  for (const ctype of CTYPES) {
    if (ctype === 'C') break;
    await client.query('BEGIN');
    try {
      // eslint-disable-next-line no-restricted-syntax -- a constant; it takes no parameters
      await client.query(`CREATE COLLATION pg_temp.probe (provider = libc, lc_collate = 'C', lc_ctype = '${ctype}')`);
      await client.query('DROP COLLATION pg_temp.probe');
      await client.query(`UPDATE pg_database SET datctype = $1 WHERE datctype IN ('C', 'POSIX')`, [ctype]);
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; it takes no parameters
      await client.query(`ALTER DATABASE ${pg.escapeIdentifier(name)} SET ${UNFINISHED} = 'yes'`);
      await client.query('COMMIT');
      return true;
    } catch (error) {
      await client.query('ROLLBACK');
      if (!isUnknownLocale(error)) throw error;
    }
  }
  return false;
};

/** The statements that make the indexes anew which depend on what letters are: of words, and in the order of the collation ($1). */
const INDEXES_OF_LANGUAGES = `
  SELECT format('REINDEX INDEX %s', indexrelid::regclass) AS statement FROM pg_index
  WHERE EXISTS (SELECT FROM unnest(indclass) class JOIN pg_opclass ON pg_opclass.oid = class WHERE opcname IN ('gin_trgm_ops', 'gist_trgm_ops'))
    OR EXISTS (SELECT FROM unnest(indcollation) each JOIN pg_collation ON pg_collation.oid = each WHERE collname = $1)`;
