import { randomInt } from 'node:crypto';
import pg from 'pg';
import { jobSchemaOf, type ConnectionTarget } from './connection.js';
import { openClient } from './sessions.js';

/*
 * The role that serves reads and writes rows and changes no table; what was audited and sealed it adds to, and never changes. The owner of the tables
 * grants it that at every start, so a table that a migration has just made is served too. What others own is left as it is.
 */

/** What the serving role may do with a table. */
const ROWS = 'SELECT, INSERT, UPDATE, DELETE';

/** The tables with which it may do less. */
const LESS: Readonly<Record<string, string>> = {
  // Neither its place in the order nor its time is the writer's to choose.
  audit_event: 'SELECT, INSERT (id, actor_id, action, subject_type, subject_id, detail, origin, person_id, via, via_id)',
  audit_seal: 'SELECT, INSERT',
  // Deleting a key makes what is kept of a person unreadable.
  audit_key: 'SELECT, INSERT, DELETE',
  _prisma_migrations: 'SELECT',
};
/** The same of the job queue's schema. */
const LESS_OF_QUEUE: Readonly<Record<string, string>> = { migrations: 'SELECT' };

/** The policy that lets grants alone decide about the rows of a queue's table: graphile-worker shows them to nobody but their owner. */
const POLICY = 'lyceum_by_grants';

interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'TABLE' | 'VIEW' | 'SEQUENCE';
  /** Whether its rows are hidden by policies, and {@link POLICY} is not there yet. */
  readonly hidden: boolean;
}

interface Schemas {
  readonly tables: string;
  readonly queue: string;
}

/** The role that serves cannot be let serve; the message says what to do. */
export class ServingRoleError extends Error {
  override readonly name = 'ServingRoleError';
}

/**
 * Grants the role that serves what it needs, and takes from it whatever else it was granted. The lock of the migrations is held, so processes that
 * start at once take turns.
 * @param owner the connection of the migrations, as the owner of the tables
 * @param target the same database as the role that serves
 * @throws {ServingRoleError} when it is another database or schema
 */
export const letServe = async (owner: pg.ClientBase, target: ConnectionTarget, timeoutMs: number): Promise<void> => {
  const server = openClient(target, timeoutMs);
  try {
    await server.connect();
    // A lock that the one holds is one that the other cannot have, unless they are in different databases.
    const key = randomInt(2 ** 47);
    await owner.query('SELECT pg_advisory_lock($1)', [key]);
    const { rows } = await server.query<{ readonly other: boolean }>('SELECT pg_try_advisory_lock($1) AS other', [key]);
    if (rows[0]?.other === true) throw new ServingRoleError('DATABASE_MIGRATION_URL and DATABASE_URL lead to different databases.');
    const [{ user, schema }, { user: role }] = [await placeOf(owner), await placeOf(server)];
    // One that owns everything needs no grants.
    if (role === user) return;
    await grantTo(owner, role, { tables: schema ?? '', queue: jobSchemaOf(target) });
    const { schema: served } = await placeOf(server);
    if (served !== schema)
      throw new ServingRoleError(
        `DATABASE_MIGRATION_URL leads to the schema ${schema} and DATABASE_URL to ${served ?? 'none'}: give both the same ?schema=.`,
      );
  } finally {
    await server.end();
  }
};

interface Place {
  readonly user: string;
  readonly schema: string | null;
}

const placeOf = async (client: pg.ClientBase): Promise<Place> =>
  (await client.query<Place>('SELECT current_user AS user, current_schema() AS schema')).rows[0] ?? { user: '', schema: null };

const grantTo = async (owner: pg.ClientBase, role: string, { tables, queue }: Schemas): Promise<void> => {
  const { rows } = await owner.query<Relation>(
    `SELECT nspname AS schema, relname AS name,
       CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'VIEW' ELSE 'TABLE' END AS kind,
       relrowsecurity AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = $2) AS hidden
     FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = ANY($1) AND relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_has_role(relowner, 'USAGE')
     ORDER BY 1, 2`,
    [[tables, queue], POLICY],
  );
  const grantee = pg.escapeIdentifier(role);
  const statements = rows.flatMap(({ schema: of, name, kind, hidden }) => {
    const relation = `${pg.escapeIdentifier(of)}.${pg.escapeIdentifier(name)}`;
    const less = (of === queue ? LESS_OF_QUEUE : LESS)[name];
    if (kind === 'SEQUENCE')
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
      return [`REVOKE ALL ON SEQUENCE ${relation} FROM ${grantee}`, `GRANT USAGE ON SEQUENCE ${relation} TO ${grantee}`];
    return [
      // Whatever everybody may do, it may too.
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
      `REVOKE ALL ON ${relation} FROM ${less === undefined ? '' : 'PUBLIC, '}${grantee}`,
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
      `GRANT ${kind === 'VIEW' ? 'SELECT' : (less ?? ROWS)} ON ${relation} TO ${grantee}`,
      // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
      ...(of === queue && hidden ? [`CREATE POLICY ${POLICY} ON ${relation} USING (true)`] : []),
    ];
  });
  const schemas = await schemaStatements(owner, [tables, queue], role);
  // eslint-disable-next-line no-restricted-syntax -- names are escaped, or constants; these statements take no parameters
  await owner.query(['BEGIN', ...schemas, ...statements, 'COMMIT'].join(';\n'));
};

/** What is to be changed of the serving role's rights on schemas; what it holds as everybody does need not be granted. */
const schemaStatements = async (owner: pg.ClientBase, schemas: readonly string[], role: string): Promise<readonly string[]> => {
  const { rows } = await owner.query<{ readonly statement: string }>(
    `SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, $2::text) AS statement FROM pg_namespace
     WHERE nspname = ANY($1) AND NOT has_schema_privilege($2, oid, 'USAGE')
     UNION ALL SELECT format('REVOKE CREATE ON SCHEMA %I FROM %I', nspname, $2::text) FROM pg_namespace
     WHERE nspname = ANY($1) AND pg_has_role(nspowner, 'USAGE') AND has_schema_privilege($2, oid, 'CREATE')`,
    [schemas, role],
  );
  return rows.map(({ statement }) => statement);
};
