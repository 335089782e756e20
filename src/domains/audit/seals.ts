import { createHash } from 'node:crypto';
import type { Services } from '../../context.js';
import { SEALING } from '../../db/audit.js';
import type { Database } from '../../db/database.js';
import type { AuditEvent, AuditSeal } from '../../db/generated/prisma/client.js';
import { alertAdministrators } from './topics.js';

/*
 * The audit is sealed by a chain of hashes: each seal is over the hash before it and over the events since. Whoever changes, removes or inserts an
 * event afterwards would have to make all later seals anew, and then the last hash differs from the one in the log.
 */

/** How many events one seal is over, at most. */
const SEAL_EVENTS = 1_000;

const SEALED = {
  id: true,
  seq: true,
  at: true,
  actorId: true,
  action: true,
  subjectType: true,
  subjectId: true,
  detail: true,
  via: true,
  viaId: true,
} as const;

type Sealed = Pick<AuditEvent, keyof typeof SEALED | 'origin' | 'personId'>;

/** What is hashed of an event: every column, in a form that does not depend on the database. What is encrypted stays so, since its key may be destroyed. */
const textOf = (event: Sealed): string => {
  const { id, seq, at, actorId, action, subjectType, subjectId, detail, origin, personId, via, viaId } = event;
  const encrypted = origin === null ? null : Buffer.from(origin).toString('base64');
  const columns = [id, String(seq), at.toISOString(), actorId, action, subjectType, subjectId, detail, encrypted, personId];
  // Events from before there were these columns have been sealed without them.
  return JSON.stringify(via === null && viaId === null ? columns : [...columns, via, viaId]);
};

const hashOf = (before: Uint8Array | null, events: readonly Sealed[]): Uint8Array<ArrayBuffer> => {
  const hash = createHash('sha256').update(before ?? new Uint8Array(32));
  for (const event of events) hash.update(`${textOf(event)}\n`);
  return new Uint8Array(hash.digest());
};

const eventsAfter = (client: Pick<Database['prisma'], 'auditEvent'>, seq: bigint, upTo: bigint | null): Promise<Sealed[]> =>
  client.auditEvent.findMany({
    where: { seq: { gt: seq, ...(upTo === null ? {} : { lte: upTo }) } },
    orderBy: { seq: 'asc' },
    // One more than a seal has, so that one that was inserted into its midst is counted.
    take: upTo === null ? SEAL_EVENTS : SEAL_EVENTS + 1,
    select: { ...SEALED, origin: true, personId: true },
  });

/** A place in the chain, as it is logged: a number and a hash. */
export const headOf = ({ number, hash }: Pick<AuditSeal, 'number' | 'hash'>): string => `${number}:${Buffer.from(hash).toString('hex')}`;

/** Seals what has been audited since the last seal, and says the new head of the chain in the log, which is kept elsewhere. */
export const sealAudit = async ({ db, log }: Pick<Services, 'db' | 'log'>): Promise<void> => {
  for (let sealed = SEAL_EVENTS; sealed === SEAL_EVENTS;) {
    const seal = await db.transact(async (tx) => {
      // Nobody who writes an event is on the way to COMMIT now, and each statement from here on sees what has been committed.
      await tx.$queryRaw`SELECT pg_advisory_xact_lock(${SEALING})`;
      const last = await tx.auditSeal.findFirst({ orderBy: { number: 'desc' } });
      const events = await eventsAfter(tx, last?.upTo ?? 0n, null);
      const upTo = events.at(-1)?.seq;
      if (upTo === undefined) return null;
      const number = (last?.number ?? 0) + 1;
      return await tx.auditSeal.create({ data: { number, upTo, count: events.length, hash: hashOf(last?.hash ?? null, events) } });
    });
    if (seal === null) return;
    log.info({ auditHead: headOf(seal), events: seal.count }, 'the audit is sealed');
    sealed = seal.count;
  }
};

/** What a look over the whole chain has found. */
export interface AuditState {
  /** How many events are sealed, and how many are not yet. */
  readonly sealed: number;
  readonly unsealed: number;
  /** Null before the first seal. */
  readonly head: string | null;
  /** What does not hold, in words. */
  readonly faults: readonly string[];
}

/** How many faults are told. */
const MAX_FAULTS = 20;

/**
 * Looks over the whole chain.
 * @param known a head that was logged earlier: with it, a chain that was cut off or made anew is found too
 */
export const verifyAudit = async ({ db }: Pick<Services, 'db'>, known: string | null = null): Promise<AuditState> => {
  const faults: string[] = [];
  let [before, upTo, sealed, head, number]: [Uint8Array | null, bigint, number, string | null, number] = [null, 0n, 0, null, 0];
  let isKnown = known === null;
  for (;;) {
    const seal = await db.prisma.auditSeal.findFirst({ where: { number: { gt: number } }, orderBy: { number: 'asc' } });
    if (seal === null || faults.length >= MAX_FAULTS) break;
    if (seal.number !== number + 1) faults.push(`Seal ${number + 1} is missing.`);
    const events = await eventsAfter(db.prisma, upTo, seal.upTo);
    if (events.length !== seal.count) faults.push(`Seal ${seal.number} is over ${seal.count} events, and there are ${events.length}.`);
    else if (!Buffer.from(hashOf(before, events)).equals(Buffer.from(seal.hash)))
      faults.push(
        `Seal ${seal.number} does not fit its events (${String(events[0]?.seq)} to ${String(seal.upTo)}): one was changed, or a seal before was.`,
      );
    [before, upTo, number, head] = [seal.hash, seal.upTo, seal.number, headOf(seal)];
    sealed += events.length;
    isKnown ||= head === known;
  }
  if (!isKnown && faults.length < MAX_FAULTS) faults.push('The head that was logged is not in the chain: it was cut off, or made anew.');
  const unsealed = await db.prisma.auditEvent.count({ where: { seq: { gt: upTo } } });
  return { sealed, unsealed, head, faults };
};

/** Looks over the whole chain, and tells administrators where it does not hold. What was cut off at the end only a head of the log can show. */
export const watchAudit = async ({ db, log }: Pick<Services, 'db' | 'log'>): Promise<void> => {
  const { faults } = await verifyAudit({ db });
  const [first] = faults;
  if (first === undefined) return;
  log.error({ faults }, 'the audit does not fit its seals: it was changed');
  await db.transact(async (tx) => alertAdministrators(tx, 'AUDIT_BROKEN', { detail: { faults: faults.length, first } }));
};
