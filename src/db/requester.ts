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

/** The two ways in which statements wait for their turn: each by itself, or all of one tick of the event loop as one. */
interface Ways {
  readonly run: Run;
  readonly runAsOne: (work: () => Promise<unknown>) => Promise<unknown>;
}

/** The methods of the client itself that send a statement, and those of a model that change rows. */
const RAW = /^\$(query|execute)Raw/;
const WRITES = /^(create|update|upsert|delete|\$execute)/;
/** Prisma makes one statement of those that are called in one tick. */
const UNIQUE = /^findUnique/;

/**
 * A view of the database for one operation. Each of its statements waits for its owner's turn, so that one client cannot take all connections.
 * None begins after the deadline, or after the client has gone, unless the operation has written: what was begun is done to its end, and answered.
 * A transaction does not wait for turns, because its work may read beside it while it is held; transactions have a limit of their own.
 */
export const forRequester = <
  Db extends { readonly prisma: PrismaClient; readonly lists: Lists; readonly transact: Transact; readonly beginWrite: () => void },
>(
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
  const beginWrite = (): void => {
    assertWanted();
    hasWritten = true;
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
    prisma: through(db.prisma, { run, runAsOne: createRunAsOne(run) }),
    lists: {
      root: (...args) => run(() => db.lists.root(...args), false),
      children: (...args) => run(() => db.lists.children(...args), false),
    },
    beginWrite,
    transact: async (work) => {
      beginWrite();
      return await db.transact(work);
    },
  };
};

/** Collects what is asked for in one tick, and begins all of it in one turn. Waiting for a turn each, the rows of `nodes(ids)` would be a statement each. */
const createRunAsOne = (run: Run): Ways['runAsOne'] => {
  let asked: (() => Promise<unknown>)[] = [];
  let turn: Promise<readonly Promise<unknown>[]> | null = null;
  return async (work) => {
    const index = asked.push(work) - 1;
    turn ??= new Promise((resolve, reject) => {
      process.nextTick(() => {
        const works = asked;
        asked = [];
        turn = null;
        const begin = async (): Promise<unknown> => {
          const results = works.map((each) => each());
          resolve(results);
          return await Promise.allSettled(results);
        };
        run(begin, false).catch(reject);
      });
    });
    const results = await turn;
    return await results[index];
  };
};

/** The client, each of whose statements waits for its turn. */
const through = (prisma: PrismaClient, ways: Ways): PrismaClient => {
  const models = new Map<string, unknown>();
  return new Proxy(prisma, {
    get: (client, name) => {
      const value: unknown = Reflect.get(client, name);
      if (typeof name !== 'string') return value;
      if (typeof value === 'function')
        return RAW.test(name) ? methodThrough(client, value as Method, name, ways) : (value as Method).bind(client);
      if (typeof value !== 'object' || value === null || name.startsWith('_') || name.startsWith('$')) return value;
      let model = models.get(name);
      if (model === undefined) models.set(name, (model = modelThrough(value, ways)));
      return model;
    },
  });
};

const modelThrough = (model: object, ways: Ways): object =>
  new Proxy(model, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' && typeof name === 'string' && !name.startsWith('$')
        ? methodThrough(target, value as Method, name, ways)
        : value;
    },
  });

const methodThrough =
  (target: object, method: Method, name: string, { run, runAsOne }: Ways): Method =>
  (...args) => {
    const work = (): Promise<unknown> => Reflect.apply(method, target, args);
    return UNIQUE.test(name) ? runAsOne(work) : run(work, WRITES.test(name));
  };
