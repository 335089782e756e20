import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { now } from './clock.js';

/** A WebSocket that looks at no more than it must, so that a load client is not what bounds a server. */
export interface RawSocket {
  /** A text message. */
  readonly send: (text: string) => void;
  /** Closes as the protocol has it. */
  readonly close: () => void;
  /** Cuts the connection without a word. */
  readonly destroy: () => void;
}

export interface RawSocketOptions {
  readonly url: string;
  readonly protocol: string | null;
  /** Where it comes from; the system chooses when it is left out. */
  readonly localAddress?: string;
  readonly onOpen: () => void;
  /** One text message: the bytes from `start` to `end`, which are valid during the call only; received at `at`, in {@link now}'s milliseconds. */
  readonly onText: (bytes: Buffer, start: number, end: number, at: number) => void;
  /** Once, in any case. */
  readonly onClose: (opened: boolean, reason: string) => void;
}

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/** The close code of who has nothing to complain of. */
const NORMAL = 1_000;

/** All sockets of the process read into it, one after the other. */
const shared = Buffer.alloc(262_144);

export const openRawSocket = ({ url, protocol, localAddress, onOpen, onText, onClose }: RawSocketOptions): RawSocket => {
  const { hostname, port, pathname, search } = new URL(url);
  let upgraded = false;
  let rest: Buffer | null = null;
  let reason = '';
  let closed = false;

  const frame = (opcode: number, payload: Buffer): void => {
    const length = payload.length;
    const head = length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
    head[0] = 0x80 | opcode;
    // Clients must mask (RFC 6455, 5.3). The mask is four zeros, which leave the payload as it is.
    head[1] = 0x80 | (length < 126 ? length : 126);
    if (length >= 126) head.writeUInt16BE(length, 2);
    socket.write(Buffer.concat([head, payload]));
  };

  const take = (data: Buffer): void => {
    const at = now();
    let offset = 0;
    if (!upgraded) {
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return void (rest = Buffer.from(data));
      const head = data.toString('latin1', 0, end);
      if (!head.startsWith('HTTP/1.1 101')) {
        reason = head;
        socket.destroy();
        return;
      }
      upgraded = true;
      offset = end + 4;
      onOpen();
    }
    while (data.length - offset >= 2) {
      const opcode = (data[offset] ?? 0) & 0x0f;
      let length = (data[offset + 1] ?? 0) & 0x7f;
      let start = offset + 2;
      if (length === 126) {
        if (data.length - offset < 4) break;
        length = data.readUInt16BE(offset + 2);
        start = offset + 4;
      } else if (length === 127) {
        if (data.length - offset < 10) break;
        length = data.readUInt32BE(offset + 6);
        start = offset + 10;
      }
      const end = start + length;
      if (end > data.length) break;
      if (opcode === TEXT) onText(data, start, end, at);
      else if (opcode === PING) frame(PONG, Buffer.from(data.subarray(start, end)));
      else if (opcode === CLOSE) {
        reason = length >= 2 ? `${data.readUInt16BE(start)} ${data.toString('utf8', start + 2, end)}` : 'closed';
        socket.destroy();
        return;
      }
      if (closed) return;
      offset = end;
    }
    rest = offset < data.length ? Buffer.from(data.subarray(offset)) : null;
  };

  const socket: Socket = connect({
    host: hostname,
    port: Number(port),
    ...(localAddress === undefined ? {} : { localAddress }),
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (length) => {
        const data = shared.subarray(0, length);
        const before = rest;
        rest = null;
        take(before === null ? data : Buffer.concat([before, data]));
        return true;
      },
    },
  });
  socket.on('connect', () => {
    const lines = [
      `GET ${pathname}${search} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ...(protocol === null ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
  socket.on('error', (error) => (reason ||= error.message));
  socket.on('close', () => {
    closed = true;
    onClose(upgraded, reason);
  });
  return {
    send: (text) => frame(TEXT, Buffer.from(text)),
    close: () => {
      frame(CLOSE, Buffer.from([NORMAL >> 8, NORMAL & 0xff]));
      socket.end();
    },
    destroy: () => {
      closed = true;
      socket.destroy();
    },
  };
};
