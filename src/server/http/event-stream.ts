import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Clock } from '../../clock.js';
import type { Context } from '../../context.js';
import { codeOf } from '../../errors.js';
import type { Visit } from '../../observability/access-log.js';
import type { Mask } from '../execution/mask.js';
import { publicResult } from '../execution/public-result.js';
import { bytesOf, type Encoded, type FoundSubscription } from '../execution/subscribe.js';
import { createDelivery, Delivered, type Delivery } from '../websocket/delivery.js';
import { EVENT_STREAM_FRAMING } from '../websocket/framing.js';
import type { SendQueues } from '../websocket/send-queues.js';

export const EVENT_STREAM = 'text/event-stream';
const COMMENT = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';
const NO_HEAD = Buffer.alloc(0);

export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': `${EVENT_STREAM}; charset=utf-8`,
  'cache-control': 'no-cache, no-transform',
  // Without it nginx holds events back until its buffer is full.
  'x-accel-buffering': 'no',
};

const nextOf = (result: ExecutionResult): string => `event: next\ndata: ${JSON.stringify(publicResult(result))}\n\n`;

/** The whole event stream of a single result. */
export const singleEvent = (result: ExecutionResult): string => COMMENT + nextOf(result) + COMPLETE;

/** Ends a response with a whole event stream, each event in a chunk of its own. */
export const endWithEvents = (response: ServerResponse, text: string): void => {
  for (const event of text.split(EVENT_END)) response.write(event);
  response.end();
};
const EVENT_END = /(?<=\n\n)/;

/** The bytes of a result's event without its end, encoded once for all readers. An EventSource sends the last id again, as `Last-Event-ID`. */
const eventOf = (encoded: Encoded): Buffer => {
  const cursor = encoded.result.extensions?.['cursor'];
  const id = typeof cursor === 'string' ? `id: ${cursor}\n` : '';
  return (encoded.event ??= Buffer.concat([Buffer.from(`event: next\n${id}data: `), bytesOf(encoded)]));
};

/** Sends subscriptions as event streams. */
export interface EventStreams {
  /** Sends the results of a subscription until it ends or the reader disconnects. The head of the response has been written. */
  readonly send: (found: FoundSubscription, response: ServerResponse, client: Context['client'], visit: Visit | null) => Promise<void>;
}

/** @param pingMs how often a comment is sent, in milliseconds */
export const createEventStreams = (sendQueues: SendQueues, mask: Mask, clock: Clock, pingMs: number): EventStreams => {
  const delivery: Delivery = createDelivery(mask, eventOf);
  return {
    send: async (found, response, client, visit) => {
      // A reader that reads nothing is cut. It comes back with the id of the last event that it got.
      const sendQueue = sendQueues({
        stream: response,
        framing: EVENT_STREAM_FRAMING,
        address: client.ip ?? '',
        onStall: () => response.destroy(),
      });
      found.watch?.carry({ transport: 'EVENT_STREAM', client, sendQueue, since: clock.now() });
      const subscription = new Delivered({ head: NO_HEAD, sendQueue, delivery }, found);
      // The first comment lets the headers through proxies that wait for a body.
      sendQueue.text(COMMENT);
      const keepAlive = setInterval(() => {
        // A comment is useless behind events that the reader has not read yet.
        if (!sendQueue.isBlocked()) sendQueue.text(COMMENT);
      }, pingMs);
      response.once('close', () => {
        clearInterval(keepAlive);
        sendQueue.close();
        void subscription.return();
      });
      try {
        await subscription.next();
      } catch (error) {
        const told = mask(error);
        if (visit !== null) visit.code = codeOf(told);
        sendQueue.text(nextOf({ errors: [told] }));
      } finally {
        clearInterval(keepAlive);
        found.leave();
      }
      // In a chunk of its own: graphql-sse takes an end that comes together with the events before it for a cut.
      sendQueue.flush();
      sendQueue.text(COMPLETE);
      // The queue stays open until the response is closed: it cuts a reader that does not read the rest.
      sendQueue.flush();
      response.end();
    },
  };
};
