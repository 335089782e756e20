import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodingOf, type Encoding } from './encoding.js';
import { isKnown, weakTag } from './entity-tag.js';
import { negotiate } from './negotiate.js';
import { setPageHeaders } from './page-headers.js';
import { fromRoot } from '../../root.js';

/** The built client: its page and the files that the page loads. */
export interface WebClient {
  /**
   * How a request is answered, by its path: with a file, or with the page; null when nothing of the client is there and the one who asks is no
   * browser that would show a page.
   */
  readonly find: (request: IncomingMessage, path: string) => WebAnswer | null;
}

export interface WebAnswer {
  /** Answers a GET or HEAD, with 304 when the browser has the present version. */
  readonly send: (request: IncomingMessage, response: ServerResponse) => void;
  /** 404 for the page at a place that the client does not know, where it says so. */
  readonly status: 200 | 404;
}

interface WebFile {
  readonly type: string;
  readonly etag: string;
  readonly bodies: Readonly<Partial<Record<Encoding, Buffer>>> & { readonly identity: Buffer };
  /** Whether its name has a hash of its content. */
  readonly isImmutable: boolean;
}

/** Where `scripts/build.mjs` puts the client. */
const BUILT = fileURLToPath(fromRoot('dist/web/'));

/** The first parts of the addresses that the client knows, as its build wrote them (`web/vite.config.ts`). */
const PLACES = '/.vite/places.json';
const PAGE = '/index.html';
/** What is there for the server and for tests. */
const HIDDEN = '/.';
/** Files below it have hashed names. */
const ASSETS = '/assets/';
const ENCODED: Readonly<Record<string, Exclude<Encoding, 'identity'>>> = { '.br': 'br', '.gz': 'gzip' };

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.woff2': 'font/woff2',
};

/**
 * Reads the built client into memory, a megabyte or two.
 * @returns null where none has been built
 */
export const loadWebClient = async (folder = BUILT): Promise<WebClient | null> => {
  const files = await readFiles(folder);
  const page = files.get(PAGE);
  const places = files.get(PLACES);
  if (page === undefined || places === undefined) return null;
  const known = new Set(JSON.parse(places.bodies.identity.toString()) as string[]);

  const answers = new Map(
    [...files]
      .filter(([path]) => path !== PAGE && !path.startsWith(HIDDEN))
      .map(([path, file]): [string, WebAnswer] => [path, { status: 200, send: sendFile(file) }]),
  );
  const pages = { found: { status: 200, send: sendPage(page, 200) }, missing: { status: 404, send: sendPage(page, 404) } } as const;
  return {
    find: (request, path) => {
      const file = answers.get(path);
      if (file !== undefined) return file;
      // A page in the place of a script would be a riddle.
      if (path.startsWith(ASSETS)) return null;
      if (path === '/') return pages.found;
      const { accept = null } = request.headers;
      const [, place = ''] = path.split('/', 2);
      // `//graphql` begins with no place.
      if (place !== '' && known.has(place))
        return negotiate(accept, ['text/html', 'application/json']) === 'text/html' ? pages.found : null;
      return negotiate(accept, ['application/json', 'text/html']) === 'text/html' ? pages.missing : null;
    },
  };
};

const readFiles = async (folder: string): Promise<Map<string, WebFile>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const contents = new Map(
    await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async ({ parentPath, name }): Promise<[string, Buffer]> => {
          const path = join(parentPath, name);
          return [`/${path.slice(folder.length).replaceAll('\\', '/').replace(/^\//, '')}`, await readFile(path)];
        }),
    ),
  );
  const files = new Map<string, WebFile>();
  for (const [path, identity] of contents) {
    if (extname(path) in ENCODED) continue;
    const encoded = Object.entries(ENCODED).flatMap(([suffix, encoding]) => {
      const body = contents.get(`${path}${suffix}`);
      return body === undefined ? [] : [[encoding, body] as const];
    });
    files.set(path, {
      type: TYPES[extname(path)] ?? 'application/octet-stream',
      etag: weakTag(identity),
      bodies: { identity, ...Object.fromEntries(encoded) },
      isImmutable: path.startsWith(ASSETS),
    });
  }
  return files;
};

type Send = WebAnswer['send'];

const sendFile =
  (file: WebFile): Send =>
  (request, response) => {
    response.setHeader('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    sendBody(file, 200, request, response);
  };

const sendPage =
  (page: WebFile, status: 200 | 404): Send =>
  (request, response) => {
    response.setHeader('cache-control', 'no-cache');
    response.appendHeader('vary', 'Accept');
    setPageHeaders(response, policyFor(request.headers.host));
    sendBody(page, status, request, response);
  };

const sendBody = ({ type, etag, bodies }: WebFile, status: number, request: IncomingMessage, response: ServerResponse): void => {
  response.appendHeader('vary', 'Accept-Encoding');
  if (status === 200) {
    response.setHeader('etag', etag);
    if (isKnown(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
  }
  const wanted = encodingOf(request.headers['accept-encoding']);
  const encoding = bodies[wanted] === undefined ? 'identity' : wanted;
  const body = bodies[encoding] ?? bodies.identity;
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};

/** What a Host header may hold to be named in the policy. */
const HOST = /^[\w.-]+(?::\d+)?$|^\[[\da-f:.]+\](?::\d+)?$/i;

/**
 * The page runs its own scripts and talks to this server, and nothing else. HTML gets into it only by the one policy of Trusted Types that
 * `web/src/design/prose.tsx` has, for what the server has sanitised. The sockets of this host are named, since older browsers do not count
 * them to 'self'.
 */
const policyFor = (host: string | undefined): readonly string[] => {
  const sockets = host !== undefined && HOST.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${sockets}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lyceum',
  ];
};
