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
  readonly onChange: (listener: () => void) => () => void;
}

/** Watches a socket client, and the network of the browser. */
export const watchConnection = (socket: Pick<Client, 'on'>): Connection => {
  let state: Exclude<ConnectionState, 'offline'> = 'none';
  let hasBeenOpen = false;
  let returns = 0;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const become = (next: typeof state): void => {
    if (next === state) return;
    if (next === 'open' && state === 'lost') returns += 1;
    state = next;
    tell();
  };
  socket.on('connecting', () => become(hasBeenOpen && state !== 'none' ? 'lost' : 'connecting'));
  socket.on('connected', () => {
    become('open');
    hasBeenOpen = true;
  });
  socket.on('closed', (event) => {
    // 1000 is its own end, when nothing is followed any more.
    const { code } = event as { readonly code?: number };
    become(code === 1000 ? 'none' : 'lost');
  });
  socket.on('error', () => become('lost'));
  addEventListener('online', tell);
  addEventListener('offline', tell);
  return {
    state: () => (navigator.onLine ? state : 'offline'),
    returns: () => returns,
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
