import { randomBytes, randomUUID } from 'node:crypto';
import { decrypt, encrypt } from './encryption.js';
import { Prisma } from './generated/prisma/client.js';
import type { Actor, Audited, Origin, Tx } from './transact.js';

/*
 * The audit is written in the transaction of the act itself: there is no act without its row, and no row without its act. Where somebody
 * has acted from is encrypted under a key per person. Whoever destroys the key destroys that, and leaves the row as it is.
 */

/** The lock that whoever writes an audit event shares, and whoever seals them takes alone: then no event with a lower `seq` is still to come. */
export const SEALING = Prisma.sql`5127348109234`;

/** Takes back what {@link auditInto} has encrypted of where an act has come from; null for what is not whole. */
export const decryptOrigin = (key: Uint8Array, eventId: string, encrypted: Uint8Array): Origin | null => {
  const text = decrypt(key, eventId, encrypted);
  return text === null ? null : (JSON.parse(text) as Origin);
};

/** The keys of people; those who have none are given one, and those whose key was destroyed have null. */
const keysOf = async (
  tx: Pick<Tx, '$queryRaw' | '$executeRaw'>,
  personIds: readonly (string | null)[],
): Promise<ReadonlyMap<string, Uint8Array | null>> => {
  type Row = { readonly personId: string; readonly key: Uint8Array | null };
  const wanted = [...new Set(personIds.filter((id) => id !== null))].sort();
  const known = await tx.$queryRaw<Row[]>`SELECT person_id AS "personId", key FROM audit_key WHERE person_id = ANY(${wanted}::uuid[])`;
  const keys = new Map<string, Uint8Array | null>(known.map(({ personId, key }) => [personId, key]));
  for (const personId of wanted) {
    if (keys.has(personId)) continue;
    // Whoever comes second takes the key of the first. Nobody may change one.
    await tx.$executeRaw`INSERT INTO audit_key (person_id, key) VALUES (${personId}::uuid, ${randomBytes(32)}) ON CONFLICT (person_id) DO NOTHING`;
    const [made] = await tx.$queryRaw<Row[]>`SELECT person_id AS "personId", key FROM audit_key WHERE person_id = ${personId}::uuid`;
    if (made !== undefined) keys.set(made.personId, made.key);
  }
  return keys;
};

/** Writes what a transaction has audited. @param actor who acts, and from where; null for the system itself */
export const auditInto = async (
  tx: Pick<Tx, '$queryRaw' | '$executeRaw'>,
  audited: readonly Audited[],
  actor: Actor | null,
): Promise<void> => {
  if (audited.length === 0) return;
  const events = audited.map(({ action, subject, detail, actorId = actor?.actorId ?? null }) => ({
    id: randomUUID(),
    action,
    subject,
    detail: JSON.stringify(detail),
    actorId,
    // Somebody who is just signing in has not come by the credential of the request, if it has one.
    via: actor !== null && actorId === actor.actorId ? actor.via : null,
  }));
  const persons = events.map(({ actorId, subject }) => actorId ?? (subject?.type === 'User' ? subject.id : null));
  const origin = actor && JSON.stringify({ ip: actor.ip, userAgent: actor.userAgent } satisfies Origin);
  const keys = origin === null ? new Map<string, Uint8Array | null>() : await keysOf(tx, persons);
  for (const [index, { id, action, subject, detail, actorId, via }] of events.entries()) {
    const personId = persons[index] ?? null;
    const key = personId === null ? undefined : keys.get(personId);
    const encrypted = !key || origin === null ? null : encrypt(key, id, origin);
    await tx.$executeRaw`
      WITH sealing AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${SEALING}))
      INSERT INTO audit_event (id, actor_id, via, via_id, action, subject_type, subject_id, detail, origin, person_id)
      SELECT ${id}::uuid, ${actorId}::uuid, ${via?.kind ?? null}::audit_via, ${via?.id ?? null}::uuid, ${action}, ${subject?.type ?? null},
        ${subject?.id ?? null}::uuid, ${detail}, ${encrypted}::bytea, ${encrypted === null ? null : personId}::uuid
      FROM sealing`;
  }
};

/**
 * Makes what is kept of a person's acts unreadable: from where they have acted. The acts themselves stay. What they do later, and what was on its way, is
 * written without it.
 */
export const forgetPerson = async (tx: Pick<Tx, '$executeRaw'>, personId: string): Promise<void> => {
  // A key is never changed, and who serves may not do it.
  await tx.$executeRaw`DELETE FROM audit_key WHERE person_id = ${personId}::uuid`;
  await tx.$executeRaw`INSERT INTO audit_key (person_id, key) VALUES (${personId}::uuid, NULL)`;
};
