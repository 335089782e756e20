import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Services } from '../../context.js';
import { isUuid } from '../../db/uuid.js';
import { FILES_PATH, openLinked, type OpenedFile } from '../../domains/files/files.js';

/** Finds the file that a request's link leads to; null for a link that is not good. */
export type FindFile = (request: IncomingMessage, path: string) => Promise<OpenedFile | null>;

export const isFilePath = (path: string): boolean => path.startsWith(FILES_PATH);

export const createFindFile =
  (services: Pick<Services, 'db' | 'clock' | 'fileStore' | 'fileSignature'>): FindFile =>
  async (request, path) => {
    const id = path.slice(FILES_PATH.length);
    if (!isUuid(id)) return null;
    const [, search = ''] = (request.url ?? '').split('?', 2);
    const query = new URLSearchParams(search);
    return await openLinked(services, { id, until: query.get('until') ?? '', signature: query.get('signature') ?? '' });
  };

/** How long whoever reads a file may take nothing of it, in milliseconds. */
const STALL_MS = 60_000;

/** Sends a file to be kept, not to be shown: whatever is in it, a browser takes it for nothing of this server's. */
export const sendFile = async (request: IncomingMessage, response: ServerResponse, file: OpenedFile): Promise<void> => {
  response.setTimeout(STALL_MS, () => response.destroy());
  response.writeHead(200, {
    'content-type': file.mediaType,
    'content-length': String(file.size),
    'content-disposition': `attachment; filename="file"; filename*=UTF-8''${encodeURIComponent(file.name).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'private, no-store',
  });
  if (request.method === 'HEAD') {
    file.stream.destroy();
    response.end();
    return;
  }
  await pipeline(file.stream, response);
};
