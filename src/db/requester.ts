import type { GraphQLError } from 'graphql';
import { coded } from '../errors.js';
import type { FairTurns } from './fair-turns.js';
import type { PrismaClient } from './generated/prisma/client.js';
import type { Lists } from './lists.js';
import type { Transact } from './transact.js';

/** An operation, as far as its statements are concerned. */
export interface Requester {
  /** Whose share of the connections it uses: a viewer's or an address'. */
  readonly owner: string;
  /** Whether nobody waits for its result any more. */
  readonly isGone: () => boolean;
  /** When it must be done, on the process' monotonic clock, in milliseconds. */
  readonly deadline: number;
}

/** The error of an operation whose time is over. */
export const timedOut = (): GraphQLError => coded('TIMED_OUT', 'The operation took too long. Ask for less at a time.');

type Run = <Result>(work: () => Promise<Result>, writes: boolean) => Promise<Result>;
type Method = (...args: unknown[]) => Promise<unknown>;

/** The methods of the client itself that send a statement, and those of a model that change rows. */
const RAW = /^\$(query|execute)Raw/;
const WRITES = /^(create|update|upsert|delete|\$execute)/;

/**
 * A view of the database for one operation. Each of its statements waits for its owner's turn, so that one client cannot take all connections.
 * None begins after the deadline, or after the client has gone, unless the operation has written: what was begun is done to its end, and answered.
 * A transaction does not wait for turns, because its work may read beside it while it is held; transactions have a limit of their own.
 */
export const forRequester = <Db extends { readonly prisma: PrismaClient; readonly lists: Lists; readonly transact: Transact }>(
  db: Db,
  { owner, isGone, deadline }: Requester,
  turns: FairTurns,
): Db => {
  let hasWritten = false;
  const assertWanted = (): void => {
    if (hasWritten) return;
    if (isGone()) throw coded('UNAVAILABLE', 'The client has gone.');
    if (performance.now() > deadline) throw timedOut();
  };
  const run: Run = async (work, writes) => {
    assertWanted();
    return await turns.run(owner, () => {
      // It may have waited for long.
      assertWanted();
      hasWritten ||= writes;
      return work();
    });
  };
  return {
    ...db,
    prisma: through(db.prisma, run),
    lists: {
      root: (...args) => run(() => db.lists.root(...args), false),
      children: (...args) => run(() => db.lists.children(...args), false),
    },
    transact: async (work) => {
      assertWanted();
      hasWritten = true;
      return await db.transact(work);
    },
  };
};

/** The client, each of whose statements is given to `run`. */
const through = (prisma: PrismaClient, run: Run): PrismaClient => {
  const models = new Map<string, unknown>();
  return new Proxy(prisma, {
    get: (client, name) => {
      const value: unknown = Reflect.get(client, name);
      if (typeof name !== 'string') return value;
      if (typeof value === 'function')
        return RAW.test(name) ? methodThrough(client, value as Method, WRITES.test(name), run) : (value as Method).bind(client);
      if (typeof value !== 'object' || value === null || name.startsWith('_') || name.startsWith('$')) return value;
      let model = models.get(name);
      if (model === undefined) models.set(name, (model = modelThrough(value, run)));
      return model;
    },
  });
};

const modelThrough = (model: object, run: Run): object =>
  new Proxy(model, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' && typeof name === 'string' && !name.startsWith('$')
        ? methodThrough(target, value as Method, WRITES.test(name), run)
        : value;
    },
  });

const methodThrough =
  (target: object, method: Method, writes: boolean, run: Run): Method =>
  (...args) =>
    run(() => Reflect.apply(method, target, args), writes);
