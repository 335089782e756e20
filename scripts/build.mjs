// Generates the Prisma client and compiles src/ to dist/, when something has changed since the last time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

const STAMP = 'dist/.stamp.json';
const GENERATED = join('src', 'db', 'generated');

/** Every file below the paths, with size and time: what tells that one has changed. */
const fingerprint = (...paths) => {
  const hash = createHash('sha256');
  const walk = (path) => {
    if (path === GENERATED) return;
    const stat = statSync(path);
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
    else hash.update(`${relative(root, path)}\0${stat.size}\0${stat.mtimeMs}\0`);
  };
  for (const path of paths) walk(path);
  return hash.digest('hex');
};

const run = (script, args, env = {}) => {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
};

const known = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : {};

const schema = fingerprint('prisma/schema', 'prisma.config.ts', 'package-lock.json');
if (known.schema !== schema || !existsSync(GENERATED)) {
  process.stderr.write('Generating the Prisma client …\n');
  rmSync(GENERATED, { recursive: true, force: true });
  // The command wants a native schema engine, which it would download, but does not use for this: any program will do.
  run('node_modules/prisma/build/index.js', ['generate'], { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath });
}

const sources = fingerprint('src', 'tsconfig.json', 'tsconfig.build.json');
if (known.schema !== schema || known.sources !== sources || !existsSync('dist/main.js')) {
  process.stderr.write('Compiling …\n');
  run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.build.json']);
}

mkdirSync('dist', { recursive: true });
writeFileSync(STAMP, JSON.stringify({ schema, sources }));
