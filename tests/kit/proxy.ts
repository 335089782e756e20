import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy before a service, which breaks connections in the ways that networks do. */
export interface Proxy {
  readonly port: number;
  /** The URL of the service with the proxy in its place. */
  readonly url: string;
  /** How many connections pass through it now. */
  readonly connections: () => number;
  /** Cuts every connection with a reset and refuses new ones, as when nothing listens there. */
  readonly refuse: () => Promise<void>;
  /** Cuts every connection with a reset; new ones are let through. */
  readonly cut: () => void;
  /** Lets nothing through in either direction and says nothing about it, as when a cable is pulled; new connections are accepted and hang too. */
  readonly blackHole: () => void;
  /** Ends `refuse` and `blackHole`; bytes that were held back go through. */
  readonly resume: () => Promise<void>;
  /** Ends `blackHole` for new connections only: those it held stay silent for ever, as after a failover of the router between. */
  readonly forget: () => void;
  /** Leads new connections to another service, as when the one behind it has moved. */
  readonly lead: (target: string) => void;
  readonly stop: () => Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** @param target the URL of the service, such as `postgresql://user:password@127.0.0.1:5432/name` */
export const startProxy = async (target: string): Promise<Proxy> => {
  let { hostname, port: targetPort } = new URL(target);
  const pairs = new Set<Pair>();
  const lost = new Set<Pair>();
  let silent = false;

  const accept = (client: Socket): void => {
    const upstream = connect(Number(targetPort), hostname);
    const pair = { client, upstream };
    pairs.add(pair);
    const drop = (): void => {
      pairs.delete(pair);
      lost.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', drop);
      from.on('close', drop);
      from.pipe(to);
      if (silent) from.pause();
    }
    if (silent) hold(pair);
  };
  const hold = ({ client, upstream }: Pair): void => {
    client.unpipe(upstream).pause();
    upstream.unpipe(client).pause();
  };
  const release = ({ client, upstream }: Pair): void => {
    client.pipe(upstream);
    upstream.pipe(client);
  };
  const cut = (): void => {
    for (const { client, upstream } of [...pairs, ...lost]) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  };

  let server: Server | null = null;
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const next = createServer(accept);
      next.once('error', reject);
      next.listen(port, '127.0.0.1', () => {
        server = next;
        resolve((next.address() as AddressInfo).port);
      });
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      const previous = server;
      server = null;
      if (previous) previous.close(() => resolve());
      else resolve();
      cut();
    });

  const port = await listen(0);
  const url = new URL(target);
  url.host = `127.0.0.1:${port}`;
  return {
    port,
    url: url.href,
    connections: () => pairs.size + lost.size,
    refuse: close,
    cut,
    blackHole: () => {
      silent = true;
      for (const pair of pairs) hold(pair);
    },
    resume: async () => {
      silent = false;
      for (const pair of pairs) release(pair);
      if (server === null) await listen(port);
    },
    forget: () => {
      silent = false;
      for (const pair of pairs) {
        pairs.delete(pair);
        lost.add(pair);
      }
    },
    lead: (next) => {
      ({ hostname, port: targetPort } = new URL(next));
    },
    stop: close,
  };
};
