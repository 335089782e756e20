import type { IncomingMessage } from 'node:http';
import { coded } from '../../errors.js';

/** The client has gone before its request was whole, or was cut because it took too long. Nobody is there to be answered. */
export class GoneError extends Error {
  override readonly name = 'GoneError';
}

/**
 * Reads the body of a request as JSON.
 * @throws BAD_REQUEST with status 413 as soon as it is longer than `maxBytes`, or when it is no JSON; GoneError
 */
export const readJson = async (request: IncomingMessage, maxBytes: number): Promise<unknown> => {
  const text = await readText(request, maxBytes);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw coded('BAD_REQUEST', 'The body is no JSON.');
  }
};

const tooLarge = (maxBytes: number): Error =>
  coded('BAD_REQUEST', `The body of a request may have ${maxBytes} bytes.`, { http: { status: 413 } });

const readText = (request: IncomingMessage, maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    // A body that is announced as too long is not waited for.
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return reject(tooLarge(maxBytes));
    const chunks: Buffer[] = [];
    let length = 0;
    const leave = (): void => {
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onClose);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) {
        leave();
        // What still comes is discarded, so that the client gets to reading the answer.
        request.resume();
        reject(tooLarge(maxBytes));
      } else chunks.push(chunk);
    };
    const onEnd = (): void => {
      leave();
      resolve(textOf(chunks));
    };
    const onClose = (): void => {
      leave();
      reject(new GoneError('The request was not received whole.'));
    };
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onClose);
  });

/** The text without a byte order mark, which JSON must not have but some clients send. */
const textOf = (chunks: readonly Buffer[]): string => {
  const [only = Buffer.alloc(0)] = chunks;
  const text = (chunks.length > 1 ? Buffer.concat(chunks) : only).toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
};
