import type { Database } from '../db/database.js';

/** A row whose secret is under the master key. */
interface EncryptedRow {
  readonly id: string;
  readonly encrypted: string;
}

/** Rows that hold a secret under the master key, which are encrypted anew when that is replaced (`jobs/encrypted-rows.ts`). */
export interface EncryptedRows {
  /** What their secrets are for, as `MasterKey.encrypt` was told. */
  readonly purpose: string;
  /** Some whose ids come after another's and whose secret does not begin like this, in the order of their ids. */
  readonly others: (db: Database, prefix: string, after: string, count: number) => Promise<readonly EncryptedRow[]>;
  /** Gives a row another text of the same secret, unless it has another secret by now. */
  readonly replace: (db: Database, row: EncryptedRow, encrypted: string) => Promise<void>;
}

/** What is asked of a table; each of Prisma's has it. */
interface Table<Row> {
  readonly findMany: (query: never) => Promise<Row[]>;
  readonly updateMany: (change: never) => Promise<unknown>;
}

/** The rows of a table by the columns of their id, as it was named to `MasterKey.encrypt`, and of their secret. */
export const encryptedColumn = <Id extends string, Secret extends string>(
  purpose: string,
  tableOf: (prisma: Database['prisma']) => Table<Readonly<Record<Id | Secret, string>>>,
  id: Id,
  secret: Secret,
): EncryptedRows => ({
  purpose,
  others: async ({ prisma }, prefix, after, count) => {
    const where = { [id]: { gt: after }, NOT: { [secret]: { startsWith: prefix } } };
    const rows = await tableOf(prisma).findMany({ where, orderBy: { [id]: 'asc' }, take: count } as never);
    return rows.map((row) => ({ id: row[id], encrypted: row[secret] }));
  },
  replace: async ({ prisma }, row, encrypted) => {
    await tableOf(prisma).updateMany({ where: { [id]: row.id, [secret]: row.encrypted }, data: { [secret]: encrypted } } as never);
  },
});
