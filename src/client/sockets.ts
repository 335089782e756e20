/** What is used here of a WebSocket, in a browser and in Node. */
export interface Socket {
  readonly readyState: number;
  onmessage: unknown;
  onclose: unknown;
  readonly send: (data: string) => void;
  readonly close: (code?: number, reason?: string) => void;
  readonly addEventListener: (type: 'error', listener: () => void) => void;
}

type SocketClass = new (url: string, protocols?: string | string[]) => Socket;

export const CONNECTING = 0;
export const OPEN = 1;

/**
 * A WebSocket class that shows each of its instances. The graphql-ws client shows a socket only once it is open, and one that never opens is
 * what has to be given up.
 * @param webSocketImpl the class to extend; the environment's own when left out
 * @returns undefined where there is none; graphql-ws says so then
 */
export const observedSockets = (webSocketImpl: unknown, onCreate: (socket: Socket) => void): unknown => {
  const base = webSocketImpl ?? (globalThis as { readonly WebSocket?: unknown }).WebSocket;
  if (typeof base !== 'function') return base;
  return class extends (base as SocketClass) {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      // A socket of the ws library that is closed before it has opened would throw its error when nobody listens any more.
      this.addEventListener('error', () => undefined);
      onCreate(this);
    }
  };
};

/**
 * The graphql-ws client goes on as soon as a socket has failed, and listens to all its sockets in the same way: a late event of a failed
 * socket would be taken for one of the next socket.
 * @param isPresent whether it is still the newest socket
 */
export const retire = (socket: Socket, isPresent: () => boolean): void => {
  const { onclose } = socket;
  socket.onmessage = null;
  if (typeof onclose !== 'function') return;
  socket.onclose = (event: unknown): void => {
    if (isPresent()) (onclose as (event: unknown) => void)(event);
  };
};
