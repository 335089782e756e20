import type { Client } from 'graphql-ws';

/**
 * How the live connection is. `none`: nothing has needed one yet. `lost`: it was there and comes back by itself; `offline`: the browser itself says that
 * there is no network.
 */
export type ConnectionState = 'none' | 'connecting' | 'open' | 'lost' | 'offline';

export interface Connection {
  readonly state: () => ConnectionState;
  /** How often it has come back after it was lost. */
  readonly returns: () => number;
  /** How many events came since it was last come back, as long as it is catching up; they are what was missed. */
  readonly missed: () => number;
  readonly onChange: (listener: () => void) => () => void;
  /** Counts an event of a log, which is what has to be caught up with. */
  readonly noteEvent: () => void;
}

/** Events that come within so much of each other after a return were waiting, in milliseconds. */
const CATCH_UP_MS = 1_000;

/** Watches a socket client, and the network of the browser. */
export const watchConnection = (socket: Pick<Client, 'on' | 'terminate'>): Connection => {
  let state: Exclude<ConnectionState, 'offline'> = 'none';
  let missed = 0;
  let returns = 0;
  let catchUp: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const expectMore = (): void => {
    clearTimeout(catchUp);
    catchUp = setTimeout(() => (catchUp = undefined), CATCH_UP_MS);
  };
  const become = (next: typeof state): void => {
    if (next === state) return;
    if (next === 'open' && state === 'lost') {
      missed = 0;
      returns += 1;
      expectMore();
    }
    state = next;
    tell();
  };
  socket.on('connecting', () => {
    if (state !== 'lost') become('connecting');
  });
  socket.on('connected', () => become('open'));
  socket.on('closed', (event) => {
    // 1000 is its own end, when nothing is followed any more.
    const { code } = event as { readonly code?: number };
    become(code === 1000 ? 'none' : 'lost');
  });
  socket.on('error', () => become('lost'));
  addEventListener('offline', tell);
  addEventListener('online', () => {
    // A socket from before may be dead and not know it: another one is quicker than its next ping.
    socket.terminate();
    tell();
  });
  return {
    state: () => (navigator.onLine ? state : 'offline'),
    missed: () => missed,
    returns: () => returns,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    noteEvent: () => {
      if (catchUp === undefined) return;
      missed += 1;
      expectMore();
      tell();
    },
  };
};
