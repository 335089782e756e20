import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { graphiqlScript, type DemoSignIn } from './script.js';
import { exampleTabs } from './graphiql.js';
import { encodingOf, type Encoding } from '../http/encoding.js';
import { isKnown, strongTag } from '../http/entity-tag.js';
import { setPageHeaders } from '../http/page-headers.js';

export interface GraphiQLPage {
  /** Answers a GET or HEAD with the page, or with 304 when the browser has the current version. */
  readonly send: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

interface Page {
  readonly html: Buffer;
  readonly etag: string;
  /** Its Content-Security-Policy. */
  readonly policy: readonly string[];
}

/**
 * Creates the page at the first request: 9 MB, nine tenths of which are GraphiQL itself from its npm package.
 * @param demo the users whom the page offers to sign in as; null for none
 */
export const createGraphiQLPage = (demo: DemoSignIn | null): GraphiQLPage => {
  let page: Promise<Page> | undefined;
  const encoded: Partial<Record<Encoding, Promise<Buffer>>> = {};
  return {
    send: async (request, response) => {
      page ??= render(demo);
      const { html, etag, policy } = await page;
      setPageHeaders(response, policy);
      response.appendHeader('vary', 'Accept, Accept-Encoding');
      response.setHeader('etag', etag);
      // The browser caches the page but revalidates it each time, so that a new version shows at once.
      response.setHeader('cache-control', 'no-cache');
      if (isKnown(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
      const encoding = encodingOf(request.headers['accept-encoding']);
      encoded[encoding] ??= ENCODERS[encoding](html);
      const body = await encoded[encoding];
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-length': body.length,
        ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    },
  };
};

const ENCODERS: Readonly<Record<Encoding, (html: Buffer) => Promise<Buffer>>> = {
  // Brotli quality 5 takes 0.2 s and gives 1.9 MB; quality 9 takes 1.5 s for 5 % less.
  br: (html) =>
    promisify(brotliCompress)(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: html.length } }),
  gzip: (html) => promisify(gzip)(html),
  identity: (html) => Promise.resolve(html),
};

/**
 * The page may connect to this server only. Its scripts are inline and named by their hashes, so no other one runs; the editor's workers are
 * created from blobs.
 */
const policyFor = (html: string): readonly string[] => [
  "default-src 'none'",
  `script-src ${[...html.matchAll(INLINE_SCRIPT)].map(([, script = '']) => `'sha256-${sha256(script)}'`).join(' ')} blob:`,
  "style-src 'unsafe-inline'",
  'worker-src blob:',
  'font-src data:',
  'img-src data:',
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** The scripts of a page, as a browser finds their ends. */
const INLINE_SCRIPT = /<script\b[^>]*>([^]*?)<\/script\b/gi;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

const render = async (demo: DemoSignIn | null): Promise<Page> => {
  const [{ renderGraphiQL }, client] = await Promise.all([
    import('@graphql-yoga/render-graphiql'),
    readFile(join(dirname(createRequire(import.meta.url).resolve('graphql-ws/package.json')), 'umd/graphql-ws.min.js'), 'utf8'),
  ]);
  const original = renderGraphiQL({
    title: 'Lyceum',
    defaultTabs: [...exampleTabs],
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'variables',
    favicon: FAVICON,
  });
  // The package's page takes its options as JSON, so functions have to be inserted into the script that starts it.
  const start = original.lastIndexOf(START);
  const head = original.indexOf('</head>');
  if (start < 0 || head < 0) throw new Error('The page of @graphql-yoga/render-graphiql has changed; adapt src/server/graphiql/page.ts.');
  const html = [
    original.slice(0, head).trimStart(),
    `<style>${STYLE}</style><script>${client}</script><script>${graphiqlScript(demo)}</script>`,
    original.slice(head, start),
    'lyceumGraphiQL(',
    original.slice(start + START.length),
  ].join('');
  const bytes = Buffer.from(html);
  return { html: bytes, etag: strongTag(bytes), policy: policyFor(html) };
};

const START = 'YogaGraphiQL.renderYogaGraphiQL(';

/**
 * GraphiQL's drag library moves the focused tab when the pointer is pressed. Here the tab would move away from under the pointer, and no
 * click would arrive.
 */
const STYLE = `
.graphiql-tab { transform: none !important; }
lyceum-sign-in { display: inline-flex; align-items: center; gap: 8px; margin-left: 16px; font-size: 14px; font-weight: normal; }
lyceum-sign-in [role='status'] { color: hsl(0 70% 45%); }
lyceum-sign-in select, lyceum-sign-in button {
  font: inherit; color: inherit; background: transparent; border: 1px solid hsl(219 28% 50% / 0.5); border-radius: 4px; padding: 3px 8px; cursor: pointer;
}
lyceum-sign-in option { color: initial; }
`;

const FAVICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#3b5bdb" d="M16 3 3 10v3h26v-3zM6 15h4v10H6zm8 0h4v10h-4zm8 0h4v10h-4zM3 26h26v3H3z"/></svg>',
)}`;
