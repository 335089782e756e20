import { Prisma } from '../../db/generated/prisma/client.js';
import { decryptOrigin } from '../../db/audit.js';
import { TIME_TYPE, UUID_TYPE, type PersonalTable, type Row } from '../../db/personal-data.js';

/** The bytes of a column in JSON. */
const bytesOf = (hex: unknown): Uint8Array | null => (typeof hex === 'string' ? Buffer.from(hex.slice(2), 'hex') : null);

/** An event with the credential and the address that its act came by, where that was the user's own. */
const withOrigin = ({ key, origin, personId, via, viaId, ...event }: Row, userId: string): Row => {
  const [secret, encrypted] = [bytesOf(key), bytesOf(origin)];
  const isOwn = personId === userId;
  const from = secret && encrypted && isOwn ? decryptOrigin(secret, String(event['id']), encrypted) : null;
  return { ...event, ...(isOwn ? { via, viaId } : {}), ip: from?.ip ?? null, userAgent: from?.userAgent ?? null };
};

export const personalOfAudit: readonly PersonalTable[] = [
  {
    table: 'audit_event',
    exported: {
      name: 'audit',
      title: 'Acts of yours, and upon your account, that matter for security',
      columns: Prisma.sql`audit_event.id, at, action, subject_type AS "subjectType", detail, audit_event.person_id AS "personId", via, via_id AS "viaId", origin, key`,
      from: Prisma.sql`audit_event LEFT JOIN audit_key ON audit_key.person_id = audit_event.person_id`,
      of: (userId) => Prisma.sql`(actor_id = ${userId} OR subject_id = ${userId})`,
      order: [
        [Prisma.sql`at`, TIME_TYPE],
        [Prisma.sql`audit_event.id`, UUID_TYPE],
      ],
      told: withOrigin,
    },
    afterwards:
      'Stays, since nothing of the audit may ever be changed: the act, its time and the id of the account. From where it came can be read by nobody any more.',
  },
  {
    table: 'audit_key',
    exported: 'A key under which the addresses of the audit are encrypted; they are in the export themselves.',
    afterwards: 'Destroyed at once.',
  },
];
