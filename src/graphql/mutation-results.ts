import { createHash } from 'node:crypto';
import { freshContext, type Context } from '../context.js';
import { clientIdReused } from '../db/client-id.js';
import { within } from '../db/database.js';
import type { Prisma } from '../db/generated/prisma/client.js';
import type { Tx } from '../db/transact.js';
import { notFound } from '../errors.js';
import { scheduledTask } from '../jobs/task.js';
import { viewerOf } from '../access/viewer.js';

/** How the rows of a payload are read again, by their ids: each as the viewer may see it now. @throws NOT_FOUND, FORBIDDEN */
export type Rereads<Payload> = {
  readonly [Name in keyof Payload]?: (
    context: Context,
    id: string,
  ) => Promise<Payload[Name] extends readonly (infer Row)[] ? Row | null : Payload[Name] | null>;
};

/** One act that a client may ask for again. */
export interface Act<Payload extends object> {
  /** The mutation's name. */
  readonly mutation: string;
  readonly clientId: string;
  /** As it was given; of secrets only whether they were there. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly rereads: Rereads<Payload>;
  /** Does it, in the transaction of the context's database. */
  readonly run: (context: Context) => Promise<Payload>;
}

interface Stored {
  readonly digest: string;
  readonly payload: Prisma.JsonValue;
}

/**
 * Does something once for each `clientId` of its author, however often it is asked for within 24 hours, also at the same time and by
 * several processes: the key, the act and its payload are written by one transaction. Two that send the same at once: the second waits at
 * the key until the first has committed, and finds its payload, or has failed, and then does it itself. What has failed may be asked for again.
 * @returns the payload; when it was done before, that of then, with its rows as they are now
 * @throws CONFLICT when the id was used with other input
 */
export const doOnce = async <Payload extends object>(context: Context, act: Act<Payload>): Promise<Payload> => {
  const { mutation, clientId, rereads } = act;
  const key = { authorId: viewerOf(context).id, mutation, clientId };
  const digest = digestOf(act.input);
  return await context.db.transact(async (tx) => {
    const inside = freshContext(context, { db: within(context.db, tx) });
    const earlier = await claim(tx, key, digest);
    if (earlier !== null) {
      if (earlier.digest !== digest) throw clientIdReused();
      return await recall(inside, earlier.payload, rereads);
    }
    const payload = await act.run(inside);
    await tx.mutationResult.update({
      where: { authorId_mutation_clientId: key },
      data: { payload: remember(payload, rereads) },
      select: { digest: true },
    });
    return payload;
  });
};

type Key = Pick<Prisma.MutationResultUncheckedCreateInput, 'authorId' | 'mutation' | 'clientId'>;

/** Takes the key; null when it is free, or was taken longer ago than a result is kept. Waits for another who is just using it. */
const claim = async (tx: Tx, key: Key, digest: string): Promise<Stored | null> => {
  for (;;) {
    const claimed = await tx.$executeRaw`
      INSERT INTO mutation_result (author_id, mutation, client_id, digest)
      VALUES (${key.authorId}::uuid, ${key.mutation}, ${key.clientId}, ${digest})
      ON CONFLICT (author_id, mutation, client_id) DO UPDATE SET digest = excluded.digest, payload = NULL, created_at = now()
        WHERE mutation_result.created_at <= now() - interval '24 hours'`;
    if (claimed > 0) return null;
    const stored = await tx.mutationResult.findUnique({
      where: { authorId_mutation_clientId: key },
      select: { digest: true, payload: true },
    });
    // Null when it was forgotten just now.
    if (stored !== null) return stored;
  }
};

/** What is left out and what is null are different inputs: null takes something away. */
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

/** A payload as JSON: plain values as they are, rows by their ids. */
const remember = <Payload extends object>(payload: Payload, rereads: Rereads<Payload>): Prisma.InputJsonObject =>
  Object.fromEntries(
    Object.entries(payload).map(([name, value]: [string, unknown]): [string, Prisma.InputJsonValue | null] => {
      if (name in rereads) return [name, Array.isArray(value) ? value.map(idOf) : idOf(value)];
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return [name, value];
      if (typeof value === 'object' && value !== null) throw new Error(`The payload has rows that cannot be read again: ${name}.`);
      return [name, value as string | number | boolean | null];
    }),
  );

const recall = async <Payload extends object>(context: Context, stored: Prisma.JsonValue, rereads: Rereads<Payload>): Promise<Payload> => {
  const readers = rereads as Readonly<Record<string, ((context: Context, id: string) => Promise<unknown>) | undefined>>;
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

/** Whoever asks again later than 24 hours does something new. */
export const mutationTasks = [
  scheduledTask('mutations.forgetResults', '41 * * * *', async ({ db }) => {
    await db.prisma.$executeRaw`DELETE FROM mutation_result WHERE created_at <= now() - interval '24 hours'`;
  }),
];
