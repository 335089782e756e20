/** graphql-ws by its documented recipe: `useServer` over a schema, one async iterator for each subscriber. */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema } from 'graphql';
import { PubSub } from 'graphql-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { contend, publishing } from './contender.js';
import { messageOf, SCHEMA } from './peer-message.js';

const TOPIC = 'messageAdded';
const emitter = new EventEmitter().setMaxListeners(0);
const pubsub = new PubSub({ eventEmitter: emitter });

const schema = buildSchema(SCHEMA);
const field = schema.getSubscriptionType()?.getFields()[TOPIC];
if (field) field.subscribe = () => pubsub.asyncIterableIterator(TOPIC);

const http = createServer();
useServer({ schema }, new WebSocketServer({ server: http, path: '/graphql' }));
http.listen(0, '127.0.0.1');
await once(http, 'listening');

contend({
  url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/graphql`,
  subscribers: () => emitter.listenerCount(TOPIC),
  publish: publishing((ordinal) => void pubsub.publish(TOPIC, { messageAdded: messageOf(ordinal) })),
});
