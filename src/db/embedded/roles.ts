import { createHmac } from 'node:crypto';
import pg from 'pg';
import type { PostgresAddress } from './embedded.js';

/** Who migrates and owns all tables, and who serves; both ordinary roles. */
export interface EmbeddedRoles {
  readonly owner: PostgresAddress;
  readonly server: PostgresAddress;
}

/** The two roles of a database that was prepared before. */
export const rolesOf = (superuser: PostgresAddress): EmbeddedRoles => ({
  owner: addressOf(superuser, 'owner'),
  server: addressOf(superuser, 'server'),
});

/** The key of the advisory lock of whoever prepares roles: processes of the command line may come to a running database at once. */
const LOCK_KEY = 5_127_348_109_235n;

/**
 * Makes sure of the two roles, with their passwords, and that the owner owns everything: in a folder of an earlier release the superuser does, which
 * can be neither demoted nor emptied by REASSIGN OWNED. Everything happens in one transaction.
 * @param superuser as whom PostgreSQL was started; it is not used for anything else
 */
export const prepareRoles = async (superuser: PostgresAddress): Promise<EmbeddedRoles> => {
  const roles = rolesOf(superuser);
  const client = new pg.Client({ ...superuser, connectionTimeoutMillis: TIMEOUT_MS });
  // A lost connection rejects the running query and emits `error` too; without a listener that would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
    const { rows } = await client.query<{ readonly rolname: string }>('SELECT rolname FROM pg_roles');
    const known = new Set(rows.map(({ rolname }) => rolname));
    const [database, owner] = [pg.escapeIdentifier(superuser.database), pg.escapeIdentifier(roles.owner.user)];
    for (const { user, password } of [roles.owner, roles.server])
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
      await client.query(`${known.has(user) ? 'ALTER' : 'CREATE'} ROLE ${user} ${ORDINARY} PASSWORD ${pg.escapeLiteral(password)}`);
    // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
    await client.query(`ALTER DATABASE ${database} OWNER TO ${owner}`);
    // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
    await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${pg.escapeIdentifier(roles.server.user)}`);
    const { rows: owned } = await client.query<{ readonly statement: string }>(OWNED_BY_SUPERUSER, [roles.owner.user]);
    for (const { statement } of owned) await client.query(statement);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
  return roles;
};
const TIMEOUT_MS = 10_000;
const ORDINARY = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';

/** A role's address. Its password follows from that of the superuser, so there is one secret to keep, and whoever knows a role's knows no other. */
const addressOf = (superuser: PostgresAddress, name: keyof EmbeddedRoles): PostgresAddress => {
  const user = `${superuser.user}_${name}`;
  return { ...superuser, user, password: createHmac('sha256', superuser.password).update(user).digest('base64url') };
};

/**
 * The statements that give the owner ($1) what the superuser owns outside of PostgreSQL's own schemas. What belongs to an extension stays; sequences of
 * columns, row types and arrays follow what they belong to.
 */
const OWNED_BY_SUPERUSER = `
  WITH mine AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
    me AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
    held AS (SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'a', 'i') AND (deptype = 'e' OR refclassid = 'pg_class'::regclass))
  SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, $1::text) AS statement FROM pg_namespace
  WHERE oid IN (SELECT oid FROM mine) AND nspowner IN (SELECT oid FROM me)
    AND ('pg_namespace'::regclass, oid) NOT IN (SELECT classid, objid FROM held)
  UNION ALL
  SELECT format('ALTER %s %s OWNER TO %I',
    CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
    oid::regclass, $1::text) FROM pg_class
  WHERE relnamespace IN (SELECT oid FROM mine) AND relowner IN (SELECT oid FROM me) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND ('pg_class'::regclass, oid) NOT IN (SELECT classid, objid FROM held)
  UNION ALL
  SELECT format('ALTER ROUTINE %s OWNER TO %I', oid::regprocedure, $1::text) FROM pg_proc
  WHERE pronamespace IN (SELECT oid FROM mine) AND proowner IN (SELECT oid FROM me)
    AND ('pg_proc'::regclass, oid) NOT IN (SELECT classid, objid FROM held)
  UNION ALL
  SELECT format('ALTER TYPE %s OWNER TO %I', oid::regtype, $1::text) FROM pg_type
  WHERE typnamespace IN (SELECT oid FROM mine) AND typowner IN (SELECT oid FROM me) AND typtype IN ('e', 'd', 'r', 'c', 'b')
    AND typelem = 0 AND (typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')
    AND ('pg_type'::regclass, oid) NOT IN (SELECT classid, objid FROM held)`;
