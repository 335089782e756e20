/** One keep-alive connection that sends requests which are bytes already, and reads of the responses no more than it must. */
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly bytes: number;
  /** Whether the body says `"errors":`. */
  readonly failed: boolean;
  /** Empty unless it was asked for. */
  readonly body: string;
}

export interface HttpConnection {
  /** Sends a request after the one before has been answered; calls back with the answer. */
  readonly ask: (request: Buffer, answered: (answer: Answer) => void, keep?: boolean) => void;
  readonly close: () => void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const ERRORS = Buffer.from('"errors":');

const requestHead = (url: URL, token: string | null, length: number): string =>
  [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    'accept: application/graphql-response+json, application/json',
    ...(token === null ? [] : [`authorization: Bearer ${token}`]),
    `content-length: ${length}`,
    '',
    '',
  ].join('\r\n');

/** The bytes of a POST of JSON. */
export const requestOf = (url: string, body: object, token: string | null): Buffer => {
  const json = Buffer.from(JSON.stringify(body));
  return Buffer.concat([Buffer.from(requestHead(new URL(url), token, json.length)), json]);
};

const unchunked = (body: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let from = 0; ;) {
    const lineEnd = body.indexOf('\r\n', from);
    const size = Number.parseInt(body.toString('latin1', from, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    from = lineEnd + 2 + size + 2;
  }
};

/** Connects; a connection that breaks ends the process, since no figure would be worth anything. */
export const openConnection = (url: string): Promise<HttpConnection> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let answered: ((answer: Answer) => void) | null = null;
    let keep = false;
    let closing = false;
    /** What has come of a head that is not complete, or null in a body. */
    let head: Buffer | null = Buffer.alloc(0);
    let status = 0;
    let chunked = false;
    let left = 0;
    let bytes = 0;
    let failed = false;
    let kept: Buffer[] = [];

    const onBody = (part: Buffer): void => {
      bytes += part.length;
      left -= part.length;
      failed ||= part.includes(ERRORS);
      if (keep) kept.push(part);
      if (chunked ? part.length >= LAST_CHUNK.length && part.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK) : left <= 0) {
        const body = Buffer.concat(kept);
        const answer = { status, bytes, failed, body: (chunked && keep ? unchunked(body) : body).toString('utf8') };
        const callback = answered;
        [head, answered, kept] = [Buffer.alloc(0), null, []];
        callback?.(answer);
      }
    };

    socket.on('data', (data: Buffer) => {
      if (head === null) return onBody(data);
      const received = head.length === 0 ? data : Buffer.concat([head, data]);
      const end = received.indexOf(HEAD_END);
      if (end < 0) {
        head = received;
        return;
      }
      const text = received.toString('latin1', 0, end);
      status = Number(text.slice(9, 12));
      left = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? Number.NaN);
      chunked = Number.isNaN(left);
      [head, bytes, failed] = [null, 0, false];
      onBody(received.subarray(end + HEAD_END.length));
    });
    socket.once('connect', () =>
      resolve({
        ask: (request, callback, keepBody = false) => {
          [answered, keep] = [callback, keepBody];
          socket.write(request);
        },
        close: () => {
          closing = true;
          socket.destroy();
        },
      }),
    );
    socket.on('error', reject);
    socket.on('close', () => {
      if (!closing) throw new Error(`A server has closed a connection: ${url}`);
    });
  });
