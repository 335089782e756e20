import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generate } from '@graphql-codegen/cli';
import { cacheExchange, Client as UrqlClient, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { getOperationAST } from 'graphql';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp } from '../kit/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Seen {
  readonly method: string;
  /** Whether the text of the document was sent. */
  readonly withText: boolean;
}
/** A `fetch` that notes what is sent. */
const createNotes = () => {
  const seen: Seen[] = [];
  const noting: typeof fetch = (input, init) => {
    const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
    const sent =
      typeof init?.body === 'string' ? (JSON.parse(init.body) as { query?: unknown }).query : new URL(url).searchParams.get('query');
    seen.push({ method: init?.method ?? 'GET', withText: typeof sent === 'string' && sent !== '' });
    return fetch(input, init);
  };
  return { seen, noting };
};

describe('persisted documents with a real client', () => {
  for (const byGet of [false, true]) {
    const method = byGet ? 'GET' : 'POST';

    it(`Apollo Client sends the text once, the hash by ${method}`, async () => {
      const run = async (noting: typeof fetch): Promise<unknown> => {
        const client = new ApolloClient({
          cache: new InMemoryCache(),
          link: ApolloLink.from([
            new PersistedQueryLink({ sha256, useGETForHashedQueries: byGet }),
            new HttpLink({ uri: app.url, fetch: noting }),
          ]),
        });
        const query = byGet
          ? gql`
              query ApolloByGet {
                categories {
                  name
                }
              }
            `
          : gql`
              query ApolloByPost {
                categories {
                  name
                }
              }
            `;
        const { data } = await client.query({ query });
        client.stop();
        return data;
      };
      const [first, second] = [createNotes(), createNotes()];
      expect(await run(first.noting)).toEqual({ categories: [] });
      expect(first.seen.map(({ withText }) => withText)).toEqual([false, true]);
      expect(await run(second.noting)).toEqual({ categories: [] });
      expect(second.seen).toEqual([{ method, withText: false }]);
    });

    it(`urql sends the text once, the hash by ${method}`, async () => {
      const run = async (noting: typeof fetch): Promise<unknown> => {
        const client = new UrqlClient({
          url: app.url,
          fetch: noting,
          preferGetMethod: byGet,
          exchanges: [
            cacheExchange,
            persistedExchange({ preferGetForPersistedQueries: byGet, generateHash: (text) => Promise.resolve(sha256(text)) }),
            fetchExchange,
          ],
        });
        const { data, error } = await client.query(`query Urql${method} { categories { name } }`, {}).toPromise();
        expect(error).toBe(undefined);
        return data;
      };
      const [first, second] = [createNotes(), createNotes()];
      expect(await run(first.noting)).toMatchObject({ categories: [] });
      expect(first.seen.map(({ withText }) => withText)).toEqual([false, true]);
      expect(await run(second.noting)).toMatchObject({ categories: [] });
      expect(second.seen).toEqual([{ method, withText: false }]);
    });
  }

  it('graphql-ws sends the hash alone', async () => {
    const query = 'query BySocket { categories { name } }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
    const client = createClient({ url: app.url.replace(/^http/, 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
    const ask = async (text: string): Promise<unknown> => (await client.iterate({ query: text, extensions }).next()).value;
    await expect(ask('')).rejects.toMatchObject([{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }]);
    expect(await ask(query)).toEqual({ data: { categories: [] } });
    expect(await ask('')).toEqual({ data: { categories: [] } });
    await client.dispose();
  });
});

describe('the manifest of a frontend', () => {
  const OPERATIONS = 'query Trusted { categories { ...Named } }\nfragment Named on Category { name }';
  let folder: string;
  let ids: Readonly<Record<string, string>>;
  let strict: TestApp;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lyceum-manifest-'));
    await writeFile(join(folder, 'operations.graphql'), OPERATIONS);
    const files = (await generate(
      {
        silent: true,
        schema: resolve(import.meta.dirname, '../../schema.graphql'),
        generates: {
          'generated/': {
            documents: join(folder, 'operations.graphql'),
            preset: 'client',
            presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } },
          },
        },
      },
      false,
    )) as { readonly filename: string; readonly content: string }[];
    const manifest = files.find(({ filename }) => filename.endsWith('persisted-documents.json'))?.content ?? '';
    await writeFile(join(folder, 'persisted-documents.json'), manifest);
    ids = Object.fromEntries(
      Object.entries(JSON.parse(manifest) as Record<string, string>).map(([id, text]) => [/query (\w+)/.exec(text)?.[1] ?? '', id]),
    );
    strict = await startTestApp({
      env: { TRUSTED_DOCUMENTS: join(folder, 'persisted-documents.json'), TRUSTED_DOCUMENTS_ONLY: 'true' },
    });
  });
  afterAll(async () => {
    await strict.stop();
    await rm(folder, { recursive: true });
  });

  for (const byGet of [false, true]) {
    it(`made by the client preset is enforced: Apollo Client is answered by its ids, ${byGet ? 'GET' : 'POST'}`, async () => {
      const { seen, noting } = createNotes();
      const client = new ApolloClient({
        cache: new InMemoryCache(),
        link: ApolloLink.from([
          new PersistedQueryLink({
            generateHash: (document) => ids[getOperationAST(document)?.name?.value ?? ''] ?? 'none',
            useGETForHashedQueries: byGet,
          }),
          new HttpLink({ uri: strict.url, fetch: noting }),
        ]),
      });
      expect((await client.query({ query: gql(OPERATIONS) })).data).toMatchObject({ categories: [] });
      expect(seen).toEqual([{ method: byGet ? 'GET' : 'POST', withText: false }]);
      const other = gql`
        query Untrusted {
          posts {
            totalCount
          }
        }
      `;
      await expect(client.query({ query: other })).rejects.toMatchObject({ errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] });
      client.stop();
    });
  }
});
