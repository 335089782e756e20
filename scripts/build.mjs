// Generates the Prisma client, compiles src/ to dist/ and builds the web client to dist/web/, each when something has changed since the last
// time. Whatever ends a build before its end, the next one makes up for; several at the same time wait for each other, and all but the first find nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
// Prisma looks there for the generator of Pothos' types; npm puts it there itself.
process.env.PATH = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;

const STAMP = join('dist', '.stamp.json');
const LOCK = join('dist', '.lock');
/** A copy of what the generators read and write, in the same places. */
const WORKSHOP = join('dist', '.generating');
const SCHEMA = join('prisma', 'schema');
const GENERATED = join('src', 'db', 'generated');
const WEB = join('dist', 'web');
/** What the web client's types are generated to, from its operations and the contract. */
const WEB_TYPES = join('web', 'src', 'gql');
/** Absent where only what the server runs on is installed: there the client is as it was built elsewhere, or not served. */
const VITE = join('node_modules', 'vite', 'bin', 'vite.js');
const CODEGEN = join('node_modules', '@graphql-codegen', 'cli', 'cjs', 'bin.js');

/** How often it is looked whether another build is over, and how old its lock may be at the most, in milliseconds. */
const LOOK_MS = 100;
const MAX_BUILD_MS = 600_000;

/** Every file below the paths, with size and time: what tells that one has changed. */
const fingerprint = (...paths) => {
  const hash = createHash('sha256');
  const walk = (path) => {
    if (path === GENERATED || path === WEB_TYPES) return;
    const stat = statSync(path);
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
    else hash.update(`${relative(root, path)}\0${stat.size}\0${stat.mtimeMs}\0`);
  };
  for (const path of paths) walk(path);
  return hash.digest('hex');
};

/** What is done just now; in production the terminal belongs to the server's own lines. */
const say = (text) => {
  if (process.env.NODE_ENV !== 'production') process.stderr.write(`${text}\n`);
};

/** Runs a program, whose words matter only when it fails. */
const run = (script, args, env = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (status === 0) return;
  process.stderr.write(stdout);
  process.stderr.write(stderr);
  process.exit(status ?? 1);
};

/** What is there and what is to be done about it, each by the fingerprint of what it is made from. */
const look = () => {
  const known = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : {};
  const schema = fingerprint(SCHEMA, 'prisma.config.ts', 'package-lock.json');
  const sources = fingerprint('src', 'tsconfig.json', 'tsconfig.build.json');
  const web = existsSync(VITE) ? fingerprint('web', 'schema.graphql', join('src', 'client'), 'package-lock.json') : known.web;
  const generate = known.schema !== schema || !existsSync(GENERATED);
  return {
    schema,
    sources,
    web,
    generate,
    compile: generate || known.sources !== sources || !existsSync(join('dist', 'main.js')),
    bundle: existsSync(VITE) && (known.web !== web || !existsSync(join(WEB, 'index.html')) || !existsSync(WEB_TYPES)),
  };
};

/** Whether whoever has the lock is no longer there to give it back. */
const isAbandoned = () => {
  try {
    if (Date.now() - statSync(LOCK).mtimeMs > MAX_BUILD_MS) return true;
    process.kill(Number(readFileSync(LOCK, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
};

const tryLock = () => {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
};

/** Waits until no other build runs, and keeps others from it until this process ends. */
const lock = () => {
  mkdirSync('dist', { recursive: true });
  for (let waited = false; !tryLock();) {
    if (isAbandoned()) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!waited) say('Waiting for another build …');
    waited = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
  process.once('exit', () => {
    rmSync(WORKSHOP, { recursive: true, force: true });
    rmSync(LOCK, { force: true });
  });
};

/** Generates aside, so that what is there stays until there is something whole to replace it with. */
const generate = () => {
  rmSync(WORKSHOP, { recursive: true, force: true });
  cpSync(SCHEMA, join(WORKSHOP, SCHEMA), { recursive: true });
  // The command wants a native schema engine, which it would download, but does not use for this: any program will do.
  run('node_modules/prisma/build/index.js', ['generate', '--schema', join(WORKSHOP, SCHEMA)], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  });
  if (existsSync(GENERATED)) renameSync(GENERATED, join(WORKSHOP, 'replaced'));
  renameSync(join(WORKSHOP, GENERATED), GENERATED);
};

/** Builds the web client aside, for the same reason. */
const bundleWeb = () => {
  const aside = `${WEB}.new`;
  run(CODEGEN, ['--config', join('web', 'codegen.ts'), '--errors-only']);
  run(VITE, ['build', 'web', '--outDir', join('..', aside), '--emptyOutDir', '--logLevel', 'warn']);
  rmSync(WEB, { recursive: true, force: true });
  renameSync(aside, WEB);
};

const build = () => {
  const { schema, sources, web, generate: stale, compile, bundle } = look();
  if (stale) {
    say('Generating the Prisma client …');
    generate();
  }
  if (compile) {
    say('Compiling …');
    run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.build.json']);
  }
  if (bundle) {
    say('Building the web client …');
    bundleWeb();
  }
  // In one step: others read it without the lock.
  writeFileSync(`${STAMP}.new`, JSON.stringify({ schema, sources, web }));
  renameSync(`${STAMP}.new`, STAMP);
};

const { compile, bundle } = look();
if (compile || bundle) {
  lock();
  build();
}
