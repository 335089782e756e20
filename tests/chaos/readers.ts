import { startCountReader, type CountReader } from './count-reader.js';
import { startPollingReader } from './polling-reader.js';
import type { Random } from './random.js';
import type { Reader } from './reader.js';
import type { Scene, Stage } from './scene.js';
import { startResumingReader, startStockReader } from './socket-readers.js';
import { startEventStreamReader } from './sse-reader.js';

export interface Readers {
  readonly all: readonly Reader[];
  readonly counts: CountReader;
  readonly stop: () => Promise<void>;
}

/** Of each kind some, so that two of a kind follow at different servers. */
export const startReaders = (stage: Stage, { streams, reader: token }: Scene, random: Random): Readers => {
  const all = [
    ...['1', '2', '3'].map((n) => startResumingReader(stage, `resuming ${n}`, token, streams, random.fork())),
    ...['1', '2'].map((n) => startStockReader(stage, `stock ${n}`, token, streams, random.fork(), 'list')),
    startStockReader(stage, 'stock from now', token, streams, random.fork(), 'now'),
    ...['1', '2'].map((n) => startEventStreamReader(stage, `event stream ${n}`, token, streams, random.fork())),
    ...['1', '2'].map((n) => startPollingReader(stage, `polling ${n}`, token, streams, random.fork())),
  ];
  const counts = startCountReader(stage, token, streams, random.fork());
  return {
    all,
    counts,
    stop: async () => {
      await Promise.all([...all.map((reader) => reader.stop()), counts.stop()]);
    },
  };
};
