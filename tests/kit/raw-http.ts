import { connect, type Socket } from 'node:net';
import { deferred } from './deferred.js';

export interface RawResponse {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection on which HTTP is spoken byte by byte, for what no client library would send. */
export interface RawConnection {
  readonly socket: Socket;
  readonly send: (text: string) => void;
  /** The next response, which must have a Content-Length or end by the end of the connection. Rejects when there is none. */
  readonly response: () => Promise<RawResponse>;
  readonly closed: Promise<unknown>;
}

export const openRaw = async (url: string): Promise<RawConnection> => {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: false });
  let received = '';
  let over = false;
  let look = (): void => undefined;
  const closed = deferred<undefined>();
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    received += chunk;
    look();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    over = true;
    look();
    closed.resolve(undefined);
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const take = (): RawResponse | null => {
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [statusLine = '', ...lines] = received.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(statusLine.split(' ')[1]);
    const length = status === 101 || status === 204 ? 0 : Number(headers['content-length'] ?? Infinity);
    const rest = received.slice(end + 4);
    if (rest.length < length && !over) return null;
    received = Number.isFinite(length) ? rest.slice(length) : '';
    return { status, headers, body: Number.isFinite(length) ? rest.slice(0, length) : rest };
  };
  return {
    socket,
    send: (text) => void socket.write(text),
    response: () =>
      new Promise((resolve, reject) => {
        look = () => {
          const response = take();
          if (response) resolve(response);
          else if (over) reject(new Error(`The connection has ended without a response: ${received}`));
        };
        look();
      }),
    closed: closed.promise,
  };
};

/** Sends a request as it is and resolves with what is answered. */
export const askRaw = async (url: string, text: string): Promise<RawResponse> => {
  const connection = await openRaw(url);
  connection.send(text);
  const response = await connection.response();
  connection.socket.destroy();
  return response;
};
