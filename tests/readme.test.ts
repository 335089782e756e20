import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, validate } from 'graphql';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../src/process/schema.js';
import { seedDemoData } from '../src/demo/seed.js';
import { startTestApp, type TestApp } from './kit/app.js';
import { connect, type TestSubscription } from './kit/client.js';
import { aMessage } from './kit/factories.js';

const ROOT = resolve(import.meta.dirname, '..');
const README = readFileSync(resolve(ROOT, 'README.md'), 'utf8');

/** The code blocks of a language, in their order. */
const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);

describe('the GraphQL of the README', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    await seedDemoData(app.services);
  });
  afterAll(() => app.stop());

  it.each(blocks('graphql'))('is valid: %s', (text) => {
    expect(validate(schema, parse(text))).toEqual([]);
  });

  it('runs as it stands, one after the other, with the ids and cursors that came before', async () => {
    const seen: { token?: string; id?: string; cursor?: string } = {};
    /** Keeps of a result what the next blocks need: what the reader copies. */
    const copy = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const given = value as { accessToken?: string; id?: string; cursor?: string };
      if (given.accessToken !== undefined) seen.token = given.accessToken;
      for (const inner of Object.values(value)) copy(inner);
      if (given.id !== undefined) seen.id = given.id;
      if (given.cursor !== undefined) seen.cursor = given.cursor;
    };
    const open: TestSubscription[] = [];
    const sockets = [];
    for (const text of blocks('graphql')) {
      const query = text.replaceAll('"…"', JSON.stringify(seen.id)).replaceAll('"<cursor>"', JSON.stringify(seen.cursor));
      if (query.startsWith('subscription')) {
        const socket = connect(app.url, seen.token);
        sockets.push(socket);
        const subscription = socket.subscribe(query);
        open.push(subscription);
        // A state begins with what is there.
        if (query.includes('likeCountChanged')) expect(await subscription.data()).toMatchObject({ likeCountChanged: { count: 0 } });
      } else {
        const data = await app.data(query, {}, seen.token === undefined ? {} : { token: seen.token });
        // The list of a chat client goes on with none of its conversations.
        if (!('sync' in data)) copy(data);
      }
    }
    const [likes, events] = open;
    expect(await likes?.data()).toMatchObject({ likeCountChanged: { count: 1 } });
    await aMessage(app, { token: seen.token ?? '' }, seen.id ?? '');
    expect(await events?.data()).toMatchObject({ conversationEvents: { message: { body: 'Hello', author: { username: 'ada' } } } });
    for (const socket of sockets) await socket.close();
  });
});

describe('the TypeScript of the README', () => {
  it('compiles under strict, beside the client', () => {
    const { config } = ts.readConfigFile(resolve(ROOT, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
    const snippets = new Map(blocks('ts').map((code, index) => [resolve(ROOT, `src/readme-${index}.ts`), code]));
    const host = ts.createCompilerHost(options);
    const files = ts.createCompilerHost(options);
    host.fileExists = (path) => snippets.has(path) || files.fileExists(path);
    host.readFile = (path) => snippets.get(path) ?? files.readFile(path);
    host.getSourceFile = (path, version, ...rest) => {
      const code = snippets.get(path);
      return code === undefined ? files.getSourceFile(path, version, ...rest) : ts.createSourceFile(path, code, version);
    };
    const program = ts.createProgram([...snippets.keys()], options, host);
    expect(snippets.size).toBeGreaterThan(3);
    expect(
      ts
        .getPreEmitDiagnostics(program)
        .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
    ).toEqual([]);
  });
});

describe('the shell of the README', () => {
  it.each(blocks('sh'))('is read by a shell: %s', (text) => {
    expect(spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('names scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...README.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
