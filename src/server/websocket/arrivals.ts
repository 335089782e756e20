import { createLimiter } from '../../db/limiter.js';

/**
 * How many handshakes look up a token at a time. After a restart thousands of clients reconnect within seconds: these share a statement, and
 * the others wait in the order of their arrival, so that they do not block the event loop for clients that are already connected.
 */
const HANDSHAKES_AT_A_TIME = 500;
/** The longest wait of a handshake for its turn, in milliseconds; then the client is told to try again. */
const HANDSHAKE_WAIT_MS = 20_000;
/** So many connections and handshakes at a time are no rush. */
const FEW = 16;
/** How many waiting operations begin in each turn of the event loop after a rush. */
const AT_ONCE = 16;
/** The longest that the operations of a new socket wait, from its acknowledgement on, in milliseconds. */
const LONGEST_MS = 10_000;

/** Sockets that have just come, or come at the moment. */
export interface Arrivals {
  /**
   * Runs the work of a handshake in its turn.
   * @throws UNAVAILABLE when it has waited for 20 seconds
   */
  readonly handshake: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /**
   * When an operation may begin; null for at once.
   * @param acknowledgedAt when its socket was acknowledged, by `performance.now()`
   */
  readonly turnOf: (acknowledgedAt: number) => Promise<void> | null;
}

/**
 * Lets handshakes go before what new sockets subscribe to. A client counts its connection as lost when it is not acknowledged in time, and
 * comes again; one that is acknowledged waits for its first event in peace. Example: 18,000 clients come back within five seconds, and what
 * the first ones subscribe to takes more time than the handshakes of all; served in the order in which they are sent, the last ones
 * would be acknowledged after their patience. Sockets that have been there for some time are not concerned.
 * @param waiting how many accepted connections wait to be served
 */
export const createArrivals = (waiting: () => number): Arrivals => {
  const inTurn = createLimiter(HANDSHAKES_AT_A_TIME, HANDSHAKE_WAIT_MS);
  let handshakes = 0;
  /** Operations that wait, in the order in which they came: how to begin each, and when it begins at the latest. */
  const queue = new Map<() => void, number>();
  let scheduled = false;

  const isRush = (): boolean => waiting() + handshakes > FEW;
  const onTurn = (): void => {
    scheduled = false;
    let due = isRush() ? 0 : AT_ONCE;
    const now = performance.now();
    for (const [begin, latest] of queue) {
      if (due <= 0 && latest > now) break;
      due -= 1;
      queue.delete(begin);
      begin();
    }
    if (queue.size > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    // A timer, since immediates in a row would keep the processor busy while handshakes wait for the database.
    setTimeout(onTurn, 1);
  };

  return {
    handshake: async (work) => {
      handshakes += 1;
      try {
        return await inTurn(work);
      } finally {
        handshakes -= 1;
      }
    },
    turnOf: (acknowledgedAt) => {
      const latest = acknowledgedAt + LONGEST_MS;
      if ((queue.size === 0 && !isRush()) || latest <= performance.now()) return null;
      return new Promise((resolve) => {
        queue.set(resolve, latest);
        schedule();
      });
    },
  };
};
