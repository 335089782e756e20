import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How many connections begin to be served in each turn of the event loop when no further one has come. */
const AT_ONCE = 16;
/**
 * While others come: the CPU time of the process for which one begins to be served, in microseconds. It is some times what accepting one
 * takes, and what serving one takes.
 */
const CPU_EACH = 5_000;

/** Node's way to have connections come unread, which its HTTP server has no option for. */
type Pausing = Server & { pauseOnConnect: boolean };

/** Accepted connections of a server that are not served yet. */
export interface Reception {
  readonly waiting: () => number;
  /** Cuts them. */
  readonly clear: () => void;
}

/**
 * Accepts connections before it serves them. Node accepts one in each turn of the event loop, and each that is served brings work into the
 * next turns. Example: 18,000 clients reconnect within five seconds; turns of a few milliseconds accept some hundred of them a second, and the
 * kernel, which has room for 4,096 (`net.core.somaxconn`), resets the others. Here, as long as each turn brings another one, they
 * are accepted without reading from them, and then served in the order in which they came. One that comes alone is served at once.
 *
 * It must be called before other listeners for `connection` are added: these are called when a connection is accepted.
 */
export const receive = (server: Server): Reception => {
  (server as Pausing).pauseOnConnect = true;
  const listeners = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  /** In the order of their arrival. */
  const queue = new Set<Socket>();
  /** Whether this turn of the loop, and the one before, has brought a connection. */
  let hasCome = false;
  let isRush = false;
  let scheduled = false;
  let cpuBefore = 0;
  let due = 0;

  const serve = (socket: Socket): void => {
    queue.delete(socket);
    // It may have been refused when it was accepted.
    if (socket.destroyed || socket.writableEnded) return;
    for (const listener of listeners) listener.call(server, socket);
    socket.resume();
  };
  /** Runs at the end of each turn while connections come or wait. */
  const onTurn = (): void => {
    scheduled = false;
    const cpu = cpuTime();
    isRush = hasCome;
    hasCome = false;
    due = isRush ? due + (cpu - cpuBefore) / CPU_EACH : AT_ONCE;
    cpuBefore = cpu;
    for (const socket of queue) {
      if (due < 1) break;
      due -= 1;
      serve(socket);
    }
    due %= 1;
    if (isRush || queue.size > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(onTurn);
  };
  server.on('connection', (socket: Socket) => {
    hasCome = true;
    if (!scheduled) cpuBefore = cpuTime();
    if (isRush || queue.size > 0) queue.add(socket);
    else serve(socket);
    schedule();
  });
  return {
    waiting: () => queue.size,
    clear: () => {
      for (const socket of queue) socket.destroy();
      queue.clear();
    },
  };
};

/** The CPU time of the process, in microseconds: it does not pass while other processes have the processor. */
const cpuTime = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
