import type { Database } from '../../db/database.js';

/** What keeps the audit from being changed by the server itself, and by whoever speaks through it. */
export interface AuditProtection {
  /** The rights of a role that cannot change it; a trigger, which that role can take away; or not even that. */
  readonly by: 'ROLE' | 'TRIGGER' | 'NOTHING';
  /** Why it is not the rights, in words; null where it is. */
  readonly reason: string | null;
}

interface Rights {
  readonly user: string;
  readonly superuser: boolean;
  readonly owns: boolean;
  readonly changes: boolean;
  readonly triggered: boolean;
}

/** What to change where {@link auditProtection} is not by the rights of a role. */
export const AUDIT_REMEDY = 'set DATABASE_MIGRATION_URL to the owner of the tables, and DATABASE_URL to a role that owns nothing';

/**
 * Looks at what the role of these connections could do to the audit. Whoever owns its tables, their schema or the right to become the owner could drop
 * the trigger, or the tables.
 */
export const auditProtection = async ({ prisma }: Pick<Database, 'prisma'>): Promise<AuditProtection> => {
  const [rights] = await prisma.$queryRaw<Rights[]>`
    SELECT current_user AS "user", bool_or(rolsuper OR (rolcreaterole AND current_setting('server_version_num')::int < 160000)) AS superuser,
      bool_or(pg_has_role(relowner, 'MEMBER') OR pg_has_role(nspowner, 'MEMBER')) AS owns,
      bool_or(has_table_privilege(pg_class.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') OR has_any_column_privilege(pg_class.oid, 'UPDATE')) AS changes,
      bool_and(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname = relname || '_append_only' AND tgenabled IN ('O', 'A'))) AS triggered
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_roles ON rolname = current_user
    WHERE pg_class.oid IN ('audit_event'::regclass, 'audit_seal'::regclass)`;
  if (rights === undefined) return { by: 'NOTHING', reason: 'the role of the database cannot be found' };
  const { user, superuser, owns, changes, triggered } = rights;
  const reason = superuser
    ? `the role ${user} is a superuser, or may make itself the owner`
    : owns
      ? `the role ${user} owns the tables of the audit or their schema`
      : changes
        ? `the role ${user} may change the tables of the audit`
        : null;
  return { by: reason === null ? 'ROLE' : triggered ? 'TRIGGER' : 'NOTHING', reason };
};
