import type { IncomingHttpHeaders } from 'node:http';

/** Names the last write of which a client knows, in answers to mutations and in the requests after them. */
export const COMMIT_HEADER = 'x-lyceum-commit';

/** What a request says of the writes that its client knows, in its extensions or its headers; null when it says nothing. */
export const commitOf = (
  extensions: Readonly<Record<string, unknown>> | null | undefined,
  headers: IncomingHttpHeaders = {},
): string | null => {
  const commit = extensions?.['commit'] ?? headers[COMMIT_HEADER];
  return typeof commit === 'string' ? commit : null;
};
