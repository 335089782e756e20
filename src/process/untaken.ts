import type { Worker } from 'node:cluster';
import type { SendHandle } from 'node:child_process';

/** What Node sends to a worker with a connection, and what the worker answers when it has taken it. */
interface Given {
  readonly act?: unknown;
  readonly seq?: unknown;
}
interface Taken {
  readonly ack?: unknown;
}

interface Connection {
  close(): void;
}

/**
 * Cuts the connections that a worker was given and did not live to take. Node forgets them in the parent, where they stay open: nobody ever answers,
 * and whoever made them waits for ever. Cut, they are made again, as a client does whose server has died.
 *
 * Example: a worker is killed. Until the parent hears of it, it is given each second connection that comes.
 */
export const cutUntaken = ({ process: child }: Worker): void => {
  const untaken = new Map<unknown, Connection>();
  const send = child.send.bind(child) as (message: Given, handle?: SendHandle, ...rest: unknown[]) => boolean;
  const sendAndRemember = (message: Given, handle?: SendHandle, ...rest: unknown[]): boolean => {
    if (message.act === 'newconn' && handle !== undefined) untaken.set(message.seq, handle as unknown as Connection);
    return send(message, handle, ...rest);
  };
  child.send = sendAndRemember as typeof child.send;
  child.on('internalMessage', ({ ack }: Taken) => untaken.delete(ack));
  child.once('exit', () => {
    for (const connection of untaken.values()) connection.close();
    untaken.clear();
  });
};
