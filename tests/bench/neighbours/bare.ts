/** A server that reads what it is sent and answers at once, with nothing behind it: nobody waits less beside the same attacker on this machine. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../child.js';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.setHeader('content-type', 'application/json').end('{"data":{}}'));
});
const listening = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

const handlers = {
  url: async (): Promise<string> => {
    await listening;
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  },
};

export type BareServer = typeof handlers;
serve(handlers);
