import { readFile } from 'node:fs/promises';
import { GraphQLError } from 'graphql';
import { ConfigError } from '../../config.js';
import type { Documents } from './documents.js';
import { documentIdOf, MAX_ID_LENGTH } from './request.js';
import { isRecord } from './values.js';

/** The documents of a manifest, by their ids. */
export interface TrustedDocuments {
  readonly get: (id: string) => string | undefined;
  readonly hasText: (text: string) => boolean;
}

/**
 * Reads a manifest: a JSON object of ids and texts, as the client preset of GraphQL Code Generator writes it to `persisted-documents.json`.
 * Each document must fit the schema, since one that does not would fail for all users of a frontend.
 * @throws ConfigError that names the file and the document
 */
export const readTrustedDocuments = async (file: string, documents: Documents): Promise<TrustedDocuments> => {
  const wrong = (what: string): ConfigError => new ConfigError(`TRUSTED_DOCUMENTS: ${file}: ${what}`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
  if (!isRecord(manifest)) throw wrong('it must be a JSON object of ids and texts');
  const texts = new Map<string, string>();
  for (const [id, text] of Object.entries(manifest)) {
    if (id === '' || id.length > MAX_ID_LENGTH) throw wrong(`an id must have 1 to ${MAX_ID_LENGTH} characters: ${id.slice(0, 40)}`);
    if (typeof text !== 'string') throw wrong(`the document ${id} must be a text`);
    const mistake = mistakeIn(text, documents);
    if (mistake !== null) throw wrong(`the document ${id} (${nameIn(text)}): ${mistake}`);
    texts.set(documentIdOf(id), text);
  }
  const known = new Set(texts.values());
  return { get: (id) => texts.get(id), hasText: (text) => known.has(text) };
};

const mistakeIn = (text: string, documents: Documents): string | null => {
  try {
    return documents.mistakesOf(documents.parse(text))[0]?.message ?? null;
  } catch (error) {
    if (error instanceof GraphQLError) return error.message;
    throw error;
  }
};

/** How people know the document that an id stands for. */
const nameIn = (text: string): string => /\b(?:query|mutation|subscription)\s+\w+/.exec(text)?.[0] ?? text.slice(0, 40);
