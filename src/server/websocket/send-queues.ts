import type { Config } from '../../config.js';
import { createSendBudget } from './send-budget.js';
import { createCollector, createSendQueue, type SendQueue, type SendQueueOptions } from './send-queue.js';
import { createWriteBuffers } from './write-buffers.js';

/** Creates the send queue of a connection: a WebSocket's or an event stream's. All of them share one budget. */
export type SendQueues = (peer: Pick<SendQueueOptions, 'stream' | 'framing' | 'address' | 'onStall'>) => SendQueue;

export const createSendQueues = (config: Config['delivery']): SendQueues => {
  const { maxFrames, maxBytes, stallMs } = config;
  const budget = createSendBudget(config);
  const collector = createCollector(config.coalesceMs);
  const buffers = createWriteBuffers();
  return (peer) => createSendQueue({ ...peer, collector, buffers, maxFrames, maxBytes, stallMs, budget });
};
