import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, runnerImport, type Plugin, type Rollup } from 'vite';
import { PLACES } from './src/app/places.js';

const COMPRESSED = ['.css', '.html', '.js', '.json', '.svg', '.webmanifest'];
/** Below it the head of an answer is most of it, in bytes. */
const MIN_COMPRESSED_BYTES = 1_000;

/** The files of packages that code is from, as paths from the root of the repository: for the licences of what is shipped. */
const packageFiles = (bundle: Rollup.OutputBundle): readonly string[] => {
  const root = join(import.meta.dirname, '..');
  const modules = Object.values(bundle).flatMap((output) => (output.type === 'chunk' ? output.moduleIds : []));
  const files = modules.map((id) => relative(root, id.replace(/^\0/, '').replace(/\?.*$/, '')).replaceAll('\\', '/'));
  return files.filter((file) => file.startsWith('node_modules/')).sort();
};

/**
 * Beside each file its brotli and gzip forms, made once and as small as they can be; for the server the addresses that have the page; and for who packs it
 * what it was made of.
 */
const forTheServer = (): Plugin => ({
  name: 'lyceum-for-the-server',
  apply: 'build',
  writeBundle: async ({ dir = '' }, bundle) => {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    const compress = async (file: string): Promise<void> => {
      const content = await readFile(file);
      if (content.length < MIN_COMPRESSED_BYTES) return;
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }));
      await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
    };
    await Promise.all([
      writeFile(join(dir, '.vite', 'places.json'), JSON.stringify(PLACES)),
      writeFile(join(dir, '.vite', 'packages.json'), JSON.stringify(packageFiles(bundle))),
      ...files.filter((file) => COMPRESSED.includes(extname(file))).map(compress),
    ]);
  },
});

/** A call of `graphql` with the name of what it holds. */
const DOCUMENT = /\bgraphql\(\s*`\s*(query|mutation|subscription|fragment)\s+(\w+)[^`]*`\s*,?\s*\)/g;

/**
 * Puts each document where it is written. As the preset has it, every page would load the documents of all others: they are one module, and one table from
 * text to document.
 */
const documentsInPlace = (): Plugin => {
  let documents: Readonly<Record<string, unknown>> = {};
  return {
    name: 'lyceum-documents-in-place',
    apply: 'build',
    enforce: 'pre',
    buildStart: async () => {
      const { module } = await runnerImport<Readonly<Record<string, unknown>>>(join(import.meta.dirname, 'src/gql/graphql.ts'));
      documents = module;
    },
    transform: (code, id) => {
      if (!code.includes('graphql(`') || !id.endsWith('/operations.ts')) return null;
      const placed = code.replaceAll(DOCUMENT, (_, kind: string, name: string) => {
        const document = documents[`${name}${kind === 'fragment' ? 'FragmentDoc' : 'Document'}`];
        if (document === undefined) throw new Error(`${id}: ${name} is not generated: npm run codegen`);
        return `/* @__PURE__ */ JSON.parse(${JSON.stringify(JSON.stringify(document))})`;
      });
      return { code: placed.replace(/^import \{ graphql \} from .*gql\.js';$/m, ''), map: null };
    },
  };
};

const API = process.env['LYCEUM_URL'] ?? 'http://127.0.0.1:4000';

export default defineConfig({
  plugins: [documentsInPlace(), react(), forTheServer()],
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  build: {
    target: 'es2022',
    manifest: true,
    // The policy allows no data: in scripts and styles, and small files are kept apart by HTTP/1.1 keep-alive well enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev:web`: the client as it is written, beside a server that `npm run dev` has started.
  server: { port: 5173, proxy: { '/graphql': { target: API, ws: true } } },
});
