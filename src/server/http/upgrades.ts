import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

type OnUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** Hop-by-hop headers of the upgrade; they must not be repeated without it. */
const UPGRADE_HEADERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings', 'connection']);

const tokensOf = (header: string | undefined): string[] => (header ?? '').split(',').map((token) => token.trim().toLowerCase());

/**
 * Passes WebSocket handshakes to `onWebSocket`. Every other upgrade is ignored, as RFC 9110 (7.8) demands, and the request is answered as
 * if it had no Upgrade header. `curl --http2` and Java's HttpClient, for example, offer `h2c` with their first request.
 */
export const routeUpgrades = (server: Server, onWebSocket: OnUpgrade): void => {
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (request.method === 'GET' && tokensOf(request.headers.upgrade).includes('websocket')) {
      // Of several offered protocols `websocket` is taken; the ws library accepts only that value.
      request.headers.upgrade = 'websocket';
      onWebSocket(request, stream, head);
    } else answerWithoutUpgrade(server, request, stream, head);
  });
};

/**
 * Answers a request with its upgrade ignored. As soon as there is a listener, Node 20 hands every upgrade over and detaches the connection
 * from HTTP. The connection is put back as a new one, with the request in front of the data that is still to be read: its body, if any, and
 * whatever follows.
 */
const answerWithoutUpgrade = (server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void => {
  const { method, url, httpVersion, rawHeaders, headers } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!UPGRADE_HEADERS.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  const connection = tokensOf(headers.connection).filter((token) => !UPGRADE_HEADERS.has(token));
  if (connection.length > 0) lines.push(`Connection: ${connection.join(', ')}`);
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', stream);
};
