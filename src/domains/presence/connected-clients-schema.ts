import type { ConnectedClient as Client } from '../../context.js';
import { builder } from '../../graphql/builder.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { STATEMENT } from '../../graphql/price.js';
import { findUser } from '../account/account.js';
import { deviceField } from '../account/schema.js';
import { MAX_LISTED } from './connected-clients.js';

const Transport = builder.enumType('ClientTransport', {
  description: 'How a client follows what happens.',
  values: {
    SOCKET: { description: 'By a WebSocket.' },
    EVENT_STREAM: { description: 'By a stream of server-sent events, which is one subscription.' },
  } as const,
});

const ConnectedClient = builder.objectRef<Client>('ConnectedClient').implement({
  description: 'Somebody who is signed in, at the other end of a WebSocket or an event stream, as it was when it was asked for.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Tells it from the others of the list, for as long as it is open.' }),
    transport: t.expose('transport', { type: Transport, description: 'What it is.' }),
    sessionId: t.id({
      nullable: true,
      description: 'The session that it belongs to, for `disconnectUser`; null where it came with something else than a session.',
      resolve: ({ sessionId }) => sessionId && encodeId('Session', sessionId),
    }),
    ip: t.exposeString('ip', { nullable: true, description: 'The address that it comes from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the client says of itself.' }),
    device: deviceField(t),
    since: t.field({ type: 'DateTime', description: 'When it was opened.', resolve: ({ since }) => new Date(since) }),
    subscriptions: t.exposeInt('subscriptions', { description: 'How many subscriptions it has.' }),
    queuedResults: t.exposeInt('queuedResults', { description: 'How many results wait for it to take them.' }),
    queuedBytes: t.exposeInt('queuedBytes', { description: 'The same in bytes.' }),
  }),
});

builder.queryField('connections', (t) =>
  t.field({
    type: [ConnectedClient],
    nullable: true,
    authScopes: { role: 'ADMIN' },
    price: { own: 2 * STATEMENT, items: MAX_LISTED },
    description: `The sockets and event streams that a user has open at any of the server's processes, the longest first; at most ${MAX_LISTED}. A process that does not answer within a second is left out. For administrators; the log says who has asked.`,
    args: { userId: t.arg.id({ required: true, description: 'The user.' }) },
    resolve: async (_root, { userId }, context) => {
      const { id } = await findUser(context, decodeId('User', userId, 'userId'));
      // No row of the audit: a query writes nothing, or one could not send it again.
      context.log.info(
        { by: context.viewer?.id, userId: id, requestId: context.client.requestId },
        'an administrator has looked at the connections of a user',
      );
      return await context.connections.of(id);
    },
  }),
);
