import type { Context } from '../../context.js';
import { decryptOrigin } from '../../db/audit.js';
import type { AuditEvent, AuditVia, Prisma } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Origin } from '../../db/transact.js';
import { batched } from '../../graphql/loaders.js';

/** The latest first. */
export const latestFirst: Keyset<Pick<AuditEvent, 'id' | 'at'>> = {
  name: 'audit',
  columns: [
    { field: 'at', type: 'date', direction: 'desc', value: ({ at }) => at },
    { field: 'id', type: 'uuid', direction: 'desc', value: ({ id }) => id },
  ],
};

/** Which events of the audit are listed; all of the conditions hold. */
export interface AuditFilter {
  readonly actorId: string | null;
  readonly subjectId: string | null;
  readonly via: AuditVia | null;
  readonly viaId: string | null;
  readonly action: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
}

export const auditWhere = ({ actorId, subjectId, via, viaId, action, since, until }: AuditFilter): Prisma.AuditEventWhereInput => ({
  ...(actorId === null ? {} : { actorId }),
  ...(subjectId === null ? {} : { subjectId }),
  ...(via === null ? {} : { via }),
  ...(viaId === null ? {} : { viaId }),
  ...(action === null ? {} : { action }),
  ...(since === null && until === null
    ? {}
    : { at: { ...(since === null ? {} : { gte: since }), ...(until === null ? {} : { lt: until }) } }),
});

/** From where acts have come, by the ids of their events; null where that is not known, or no longer. One statement. */
const originsOf = batched<Origin | null>(async ({ db }, ids) => {
  const rows = await db.prisma.$queryRaw<{ readonly id: string; readonly origin: Uint8Array; readonly key: Uint8Array }[]>`
    SELECT event.id, event.origin, audit_key.key FROM audit_event event
    JOIN audit_key ON audit_key.person_id = event.person_id
    WHERE event.id = ANY(${[...ids]}::uuid[]) AND event.origin IS NOT NULL AND audit_key.key IS NOT NULL`;
  return new Map(rows.map(({ id, origin, key }) => [id, decryptOrigin(key, id, origin)]));
}, null);

export const originOf = (context: Context, id: string): Promise<Origin | null> => originsOf(context, id);
