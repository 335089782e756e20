import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** True when the port could be listened on just now. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * A free port below the range from which systems take the ports of outgoing connections: while the server is down, one
 * of those must not take its place, and a client that keeps trying must not end up connected to itself.
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
};
