import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

type OnUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** What concerns this one connection alone, and is not to be repeated without the upgrade that it belongs to. */
const OF_THE_UPGRADE: ReadonlySet<string> = new Set(['upgrade', 'http2-settings', 'connection']);

const tokensOf = (header: string | undefined): string[] => (header ?? '').split(',').map((token) => token.trim().toLowerCase());

/**
 * Gives WebSocket handshakes to `onWebSocket`. Every other upgrade is ignored, as RFC 9110 (7.8) says: the request is answered as if nothing had
 * been offered. So `curl --http2` and Java's HttpClient, which offer `h2c` with each first request, get their answer.
 */
export const routeUpgrades = (server: Server, onWebSocket: OnUpgrade): void => {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (request.method === 'GET' && tokensOf(request.headers.upgrade).includes('websocket')) {
      // Of several that are offered this one is taken, and ws wants it alone.
      request.headers.upgrade = 'websocket';
      onWebSocket(request, stream, head);
    } else answerWithoutUpgrade(server, request, stream, head);
  });
};

/**
 * Node 20 gives every upgrade away as soon as somebody listens for one, with the connection taken out of HTTP. It is put back as a new one, with
 * the request in front of what is still to be read: its body, if it has one, and whatever follows.
 */
const answerWithoutUpgrade = (server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void => {
  const { method, url, httpVersion, rawHeaders, headers } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!OF_THE_UPGRADE.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  const connection = tokensOf(headers.connection).filter((token) => !OF_THE_UPGRADE.has(token));
  if (connection.length > 0) lines.push(`Connection: ${connection.join(', ')}`);
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', stream);
};
