import { createHash } from 'node:crypto';
import { freshContext, type Context } from '../context.js';
import { clientIdReused } from '../db/client-id.js';
import { within } from '../db/database.js';
import { Prisma } from '../db/generated/prisma/client.js';
import type { Tx } from '../db/transact.js';
import { notFound } from '../errors.js';
import { scheduledTask } from '../jobs/task.js';
import { viewerOf } from '../access/viewer.js';

/** How each object of a stored payload is loaded again by its id, as the viewer may see it now. @throws NOT_FOUND, FORBIDDEN */
export type Reloaders<Payload> = {
  readonly [Name in keyof Payload]?: (
    context: Context,
    id: string,
  ) => Promise<Payload[Name] extends readonly (infer Row)[] ? Row | null : Payload[Name] | null>;
};

/** One call of a mutation that the client may repeat with the same `clientId`. */
export interface Act<Payload extends object> {
  /** The mutation's name. */
  readonly mutation: string;
  readonly clientId: string;
  /** The input as it was given. A secret is replaced by its keyed digest. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly reloaders: Reloaders<Payload>;
  /** Executes the mutation inside the transaction of the context's database. */
  readonly run: (context: Context) => Promise<Payload>;
}

interface Stored {
  readonly digest: string;
  readonly payload: Prisma.JsonValue;
}

/**
 * Executes a mutation once for each `clientId` of its author, however often it is called within 24 hours, also concurrently and by several
 * processes. The key, the mutation's own rows and its payload are written by one transaction. Example: a client sends the same call to two
 * processes. The second INSERT of the key waits until the first transaction ends. If that has committed, the second call returns its
 * payload; if it has rolled back, the second call executes the mutation itself. A failed call leaves no key, so it can be repeated.
 * @returns the payload; of a repeated call the first payload, with its objects in their present state
 * @throws CONFLICT when the id was used with other input
 */
export const runOnce = async <Payload extends object>(context: Context, act: Act<Payload>): Promise<Payload> => {
  const { mutation, clientId, reloaders } = act;
  const key = { authorId: viewerOf(context).id, mutation, clientId };
  const digest = digestOf(act.input);
  return await context.db.transact(async (tx) => {
    const inside = freshContext(context, { db: within(context.db, tx) });
    const earlier = await claim(tx, key, digest);
    if (earlier !== null) {
      if (earlier.digest !== digest) throw clientIdReused();
      return await recall(inside, earlier.payload, reloaders);
    }
    const payload = await act.run(inside);
    await tx.$executeRaw`
      UPDATE mutation_result SET payload = ${JSON.stringify(remember(payload, reloaders))}::jsonb WHERE ${isKey(key)}`;
    return payload;
  });
};

type Key = Pick<Prisma.MutationResultUncheckedCreateInput, 'authorId' | 'mutation' | 'clientId'>;

const isKey = ({ authorId, mutation, clientId }: Key): Prisma.Sql =>
  Prisma.sql`author_id = ${authorId}::uuid AND mutation = ${mutation} AND client_id = ${clientId}`;

/**
 * Inserts the key and returns null, or returns the stored result of an earlier call. A result older than 24 hours counts as absent. It
 * waits while another transaction holds the same key.
 */
const claim = async (tx: Tx, key: Key, digest: string): Promise<Stored | null> => {
  for (;;) {
    const claimed = await tx.$executeRaw`
      INSERT INTO mutation_result (author_id, mutation, client_id, digest)
      VALUES (${key.authorId}::uuid, ${key.mutation}, ${key.clientId}, ${digest})
      ON CONFLICT (author_id, mutation, client_id) DO UPDATE SET digest = excluded.digest, payload = NULL, created_at = now()
        WHERE mutation_result.created_at <= now() - interval '24 hours'`;
    if (claimed > 0) return null;
    const [stored] = await tx.$queryRaw<Stored[]>`SELECT digest, payload FROM mutation_result WHERE ${isKey(key)}`;
    // The row is missing when the clean-up has deleted it between the two statements; then the key is free.
    if (stored !== undefined) return stored;
  }
};

/** A digest of the input. A field that is left out differs from one that is null, since null removes a value. */
const digestOf = (input: Readonly<Record<string, unknown>>): string => {
  const entries = Object.entries(input)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
};

const idOf = (row: unknown): string => {
  if (typeof row === 'object' && row !== null && 'id' in row && typeof row.id === 'string') return row.id;
  throw new Error('What is read again has an id.');
};

/** The payload as JSON: plain values as they are, objects as their ids. */
const remember = <Payload extends object>(payload: Payload, reloaders: Reloaders<Payload>): Prisma.InputJsonObject =>
  Object.fromEntries(
    Object.entries(payload).map(([name, value]: [string, unknown]): [string, Prisma.InputJsonValue | null] => {
      if (name in reloaders) return [name, Array.isArray(value) ? value.map(idOf) : idOf(value)];
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return [name, value];
      if (typeof value === 'object' && value !== null) throw new Error(`The payload has rows that cannot be read again: ${name}.`);
      return [name, value as string | number | boolean | null];
    }),
  );

const recall = async <Payload extends object>(
  context: Context,
  stored: Prisma.JsonValue,
  reloaders: Reloaders<Payload>,
): Promise<Payload> => {
  const readers = reloaders as Readonly<Record<string, ((context: Context, id: string) => Promise<unknown>) | undefined>>;
  const entries = Object.entries(stored as Readonly<Record<string, unknown>>).map(async ([name, value]) => {
    const read = readers[name];
    if (read === undefined) return [name, value] as const;
    const rows = await Promise.all([value].flat().map((id) => read(context, String(id))));
    if (Array.isArray(value)) return [name, rows.filter((row) => row !== null)] as const;
    if (rows[0] === null) throw notFound('What was done');
    return [name, rows[0]] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Payload;
};

/** Deletes results older than 24 hours: a later call with the same `clientId` is a new one. */
export const mutationTasks = [
  scheduledTask('mutations.forgetResults', '41 * * * *', async ({ db }) => {
    await db.prisma.$executeRaw`DELETE FROM mutation_result WHERE created_at <= now() - interval '24 hours'`;
  }),
];
