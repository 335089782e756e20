import { setTimeout as delay } from 'node:timers/promises';
import type { TestApp, TestUser } from '../kit/app.js';
import type { TestSocket, TestSubscription } from '../kit/client.js';

/** One subscription of a device, through all its connections. */
export interface Followed<Data> {
  /** What came, in order, each with its cursor. */
  readonly results: readonly { readonly cursor: string | null; readonly data: Data }[];
  /** The codes that it ended with while connected. */
  readonly ends: readonly string[];
}

/** What somebody has open: it loses its connection, and comes back to any server with the last cursors it has seen. */
export interface Device {
  /** Follows something from now on, through all connections; again by the same name it goes on where it had ended. */
  readonly follow: (name: string, wish: Wish) => void;
  readonly followed: <Data>(name: string) => Followed<Data>;
  /** Resolves when the server has acknowledged it. */
  readonly connect: (app: TestApp) => Promise<void>;
  /** Without a word. */
  readonly drop: () => void;
}

export interface Wish {
  readonly query: string;
  /** The cursor is the last one seen, or else the one to begin with. */
  readonly variables: (cursor: string | null) => object;
  readonly after: string | null;
  /** Whether it may be followed now: then it is tried for again whatever it ends with. */
  readonly isAllowed: () => boolean;
}

interface Following extends Wish {
  readonly results: { readonly cursor: string | null; readonly data: unknown }[];
  readonly ends: string[];
  /** Where it runs. */
  on: TestSocket | null;
}

const RETRY_MS = 10;

export const createDevice = (user: TestUser): Device => {
  const followings = new Map<string, Following>();
  let socket: TestSocket | null = null;

  const run = async (following: Following): Promise<void> => {
    const mine = socket;
    if (mine === null || following.on === mine) return;
    following.on = mine;
    const isMine = (): boolean => socket === mine;
    do {
      const cursor = following.results.at(-1)?.cursor ?? following.after;
      const end = await read(mine.subscribe(following.query, following.variables(cursor)), following.results, isMine);
      if (!isMine()) return;
      following.ends.push(end);
      if (!following.isAllowed()) break;
      await delay(RETRY_MS);
    } while (isMine());
    if (isMine()) following.on = null;
  };

  return {
    follow: (name, wish) => {
      const following = followings.get(name) ?? { ...wish, results: [], ends: [], on: null };
      followings.set(name, following);
      void run(following);
    },
    followed: <Data>(name: string) => (followings.get(name) ?? { results: [], ends: [] }) as Followed<Data>,
    connect: async (app) => {
      socket?.terminate();
      socket = app.connect(user);
      await socket.opened;
      for (const following of followings.values()) void run(following);
    },
    drop: () => {
      socket?.terminate();
      socket = null;
    },
  };
};

/** Takes what comes until it ends. @returns the code of the end */
const read = async (subscription: TestSubscription, into: Following['results'], isMine: () => boolean): Promise<string> => {
  try {
    for (;;) {
      const { data, errors, extensions } = await subscription.next();
      if (errors || !data) return codeIn(errors);
      // What an earlier connection still had comes once more.
      if (!isMine()) return 'DROPPED';
      into.push({ cursor: (extensions?.['cursor'] as string | undefined) ?? null, data });
    }
  } catch {
    return codeIn(await subscription.ended);
  }
};

const codeIn = (reason: unknown): string => /"code":"?(\w+)/.exec(JSON.stringify(reason))?.[1] ?? 'NONE';
