import type { GraphQLError } from 'graphql';
import { coded } from '../errors.js';
import type { Asking } from './asking.js';
import type { FairTurns } from './fair-turns.js';
import type { PrismaClient } from './generated/prisma/client.js';
import type { Lists } from './lists.js';
import type { Desk, Desks, PrismaCall } from './read-desks.js';
import type { Actor, Transact } from './transact.js';

/** An operation, as far as its statements are concerned. */
export interface Requester {
  /** Whose share of the connections it uses: a viewer's or an address'. Null for one that waits for no turns. */
  readonly owner: string | null;
  /** Whether nobody waits for its result any more. */
  readonly isGone: () => boolean;
  /** When it must be done, on the process' monotonic clock, in milliseconds. */
  readonly deadline: number;
  /** Who asks, and from where, for the audit; null where nobody acts. */
  readonly actor: Actor | null;
}

/** The error of an operation whose time is over. */
export const timedOut = (): GraphQLError => coded('TIMED_OUT', 'The operation took too long. Ask for less at a time.');

type Work<Result> = () => Promise<Result>;
type Method = (...args: unknown[]) => Promise<unknown>;

/** The ways in which statements wait for their turn. */
interface Ways {
  readonly read: <Result>(work: Work<Result>) => Promise<Result>;
  readonly write: (work: Work<unknown>) => Promise<unknown>;
  /** Reads through Prisma. */
  readonly call: (work: () => PrismaCall) => Promise<unknown>;
  /** The same, for all that are called in one tick of the event loop together. */
  readonly callAsOne: (work: () => PrismaCall) => Promise<unknown>;
}

/** The methods of the client itself that send a statement, and those of a model that change rows. */
const RAW = /^\$(query|execute)Raw/;
const WRITES = /^(create|update|upsert|delete|\$execute)/;
/** Prisma makes one statement of those that are called in one tick. */
const UNIQUE = /^findUnique/;

/**
 * A view of the database for one operation. Each of its statements waits for its owner's turn, so that one client cannot take all connections.
 * None begins after the deadline, or after the client has gone, and those that read are cancelled then, unless the operation has written: what was begun
 * is done to its end, and answered.
 * A transaction does not wait for turns, because its work may read beside it while it is held; transactions have a limit of their own.
 */
export const forRequester = <
  Db extends { readonly prisma: PrismaClient; readonly lists: Lists; readonly transact: Transact; readonly beginWrite: () => void },
>(
  db: Db,
  { owner, isGone, deadline, actor }: Requester,
  turns: FairTurns,
  asking: Pick<Asking, 'during'>,
  desks: Pick<Desks, 'at'>,
): Db => {
  let hasWritten = false;
  const unwanted = (): GraphQLError | null => {
    if (hasWritten) return null;
    if (isGone()) return coded('UNAVAILABLE', 'The client has gone.');
    return performance.now() > deadline ? timedOut() : null;
  };
  const assertWanted = (): void => {
    const reason = unwanted();
    if (reason !== null) throw reason;
  };
  const beginWrite = (): void => {
    assertWanted();
    hasWritten = true;
  };
  const run = async <Result>(work: Work<Result>): Promise<Result> => {
    const begin = (): Promise<Result> => {
      assertWanted();
      return work();
    };
    if (owner === null) return await begin();
    assertWanted();
    // It may wait for long.
    return await turns.run(owner, begin);
  };
  const runAtDesk: RunAtDesk = (work) => run(() => desks.at(unwanted, work));
  const ways: Ways = {
    read: (work) => run(() => asking.during(unwanted, work)),
    write: (work) =>
      run(() => {
        hasWritten = true;
        return work();
      }),
    call: (work) => runAtDesk(({ ask }) => ask(work())),
    callAsOne: createCallAsOne(runAtDesk),
  };
  return {
    ...db,
    prisma: through(db.prisma, ways),
    lists: {
      root: (...args) => ways.read(() => db.lists.root(...args)),
      count: (...args) => ways.read(() => db.lists.count(...args)),
      children: (...args) => ways.read(() => db.lists.children(...args)),
    },
    beginWrite,
    transact: async (work, options) => {
      beginWrite();
      return await db.transact(work, actor === null ? options : { ...options, actor });
    },
  };
};

type RunAtDesk = <Result>(work: (desk: Desk) => Promise<Result>) => Promise<Result>;

/** Collects what is asked for in one tick, and begins all of it in one turn. Waiting for a turn each, the rows of `nodes(ids)` would be a statement each. */
const createCallAsOne = (runAtDesk: RunAtDesk): Ways['callAsOne'] => {
  let asked: (() => PrismaCall)[] = [];
  let turn: Promise<readonly Promise<unknown>[]> | null = null;
  return async (work) => {
    const index = asked.push(work) - 1;
    turn ??= new Promise((resolve, reject) => {
      process.nextTick(() => {
        const works = asked;
        asked = [];
        turn = null;
        const begin = async ({ ask }: Desk): Promise<unknown> => {
          const results = works.map((each) => ask(each()));
          resolve(results);
          return await Promise.allSettled(results);
        };
        runAtDesk(begin).catch(reject);
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
  (target: object, method: Method, name: string, { read, write, call, callAsOne }: Ways): Method =>
  (...args) => {
    const work = (): Promise<unknown> => Reflect.apply(method, target, args);
    if (WRITES.test(name)) return write(work);
    if (RAW.test(name)) return read(work);
    return (UNIQUE.test(name) ? callAsOne : call)(work as () => PrismaCall);
  };
