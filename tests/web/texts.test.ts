import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, type Token } from '@messageformat/parser';
import { describe, expect, it } from 'vitest';

interface Texts {
  readonly en: Readonly<Record<string, string>>;
  readonly de: Readonly<Record<string, string>>;
}

const SOURCES = resolve(import.meta.dirname, '../../web/src');
const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('-texts.ts'));

/** The values that a message takes. */
const valuesOf = (tokens: readonly Token[]): string[] =>
  [
    ...new Set(
      tokens.flatMap((token): string[] => {
        if (token.type === 'content' || token.type === 'octothorpe') return [];
        if (token.type === 'argument' || token.type === 'function') return [token.arg];
        return [token.arg, ...token.cases.flatMap(({ tokens: inner }) => valuesOf(inner))];
      }),
    ),
  ].sort();

describe.each(files)('the texts of web/src/%s', (file) => {
  const catalogues = async (): Promise<Texts[]> =>
    Object.values((await import(pathToFileURL(resolve(SOURCES, file)).href)) as Readonly<Record<string, Texts>>);

  it('are messages that take the same values in every language', async () => {
    for (const { en, de } of await catalogues()) {
      for (const [key, message] of Object.entries(en)) {
        expect({ key, values: valuesOf(parse(de[key] ?? '')) }).toEqual({ key, values: valuesOf(parse(message)) });
      }
    }
  });

  it('have no exclamation marks', async () => {
    for (const texts of await catalogues()) expect(JSON.stringify(texts)).not.toContain('!');
  });
});
