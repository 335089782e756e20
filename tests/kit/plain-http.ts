import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http';

export interface PlainResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface PlainOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  readonly body?: string;
}

/** A request as it is, without what `fetch` adds and decodes. */
export const plainRequest = (
  origin: string,
  path: string,
  { method = 'GET', headers = {}, agent, body }: PlainOptions = {},
): Promise<PlainResponse> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${origin}${path}`, { method, headers, ...(agent ? { agent } : {}) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject).end(body);
  });
