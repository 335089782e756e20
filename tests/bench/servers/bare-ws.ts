/** The least that a server can do: a ready string to each socket, one send for each event. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { contend, publishing } from './contender.js';
import { messageOf } from './peer-message.js';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');

contend({
  url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  subscribers: () => server.clients.size,
  publish: publishing((ordinal) => {
    const text = JSON.stringify({ id: '1', type: 'next', payload: { data: { messageAdded: messageOf(ordinal) } } });
    for (const socket of server.clients) socket.send(text);
  }),
});
