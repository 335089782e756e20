/** Mercurius, as its manual shows subscriptions. */
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import fastify from 'fastify';
import { mercurius } from 'mercurius';
import { contend, publishing } from './contender.js';
import { messageOf, SCHEMA } from './peer-message.js';

const TOPIC = 'messageAdded';
let subscribers = 0;

const app = fastify();
await app.register(mercurius, {
  schema: SCHEMA,
  resolvers: {
    Subscription: {
      messageAdded: {
        subscribe: async (
          _root: unknown,
          _args: unknown,
          { pubsub }: { readonly pubsub: { subscribe(topic: string): Promise<Readable> } },
        ) => {
          const events = await pubsub.subscribe(TOPIC);
          subscribers += 1;
          events.once('close', () => (subscribers -= 1));
          return events;
        },
      },
    },
  } as never,
  subscription: true,
});
await app.listen({ port: 0, host: '127.0.0.1' });

contend({
  url: `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/graphql`,
  subscribers: () => subscribers,
  publish: publishing((ordinal) => void app.graphql.pubsub.publish({ topic: TOPIC, payload: { messageAdded: messageOf(ordinal) } })),
});
