/** Socket.IO: emitting to a room. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { contend, publishing } from './contender.js';
import { messageOf } from './peer-message.js';

const ROOM = 'conversation';
const http = createServer();
const io = new Server(http, { serveClient: false });
io.on('connection', (socket) => void socket.join(ROOM));
http.listen(0, '127.0.0.1');
await once(http, 'listening');

contend({
  url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/socket.io/?EIO=4&transport=websocket`,
  subscribers: () => io.sockets.adapter.rooms.get(ROOM)?.size ?? 0,
  publish: publishing((ordinal) => void io.to(ROOM).emit('messageAdded', messageOf(ordinal))),
});
