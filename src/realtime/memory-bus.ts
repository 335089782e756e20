import type { Log } from '../observability/log.js';
import type { Bus } from './bus.js';
import { createBusListeners, streamName } from './bus-listeners.js';

/** The bus of a single process. It is always UP; since it loses nothing, it never calls `onGap`. */
export const createMemoryBus = ({ log }: { log: Log }): Bus => {
  const listeners = createBusListeners(log);
  let closed = false;

  return {
    wake: (wake) => listeners.wake(streamName(wake), wake.seq, wake.value),
    listen: (topic, key, listener) => (closed ? () => undefined : listeners.add({ topic, key }, listener)),
    onGap: () => () => undefined,
    state: 'UP',
    stats: () => ({ channels: listeners.size }),
    close: () => {
      closed = true;
      listeners.clear();
      return Promise.resolve();
    },
  };
};
