import { GraphQLError, type DocumentNode, type GraphQLSchema, type Source } from 'graphql';
import type { ErrorCode } from '../../errors.js';
import { createByteCache } from '../../memory/byte-cache.js';
import { bytesOfDocument, createParser, createValidation, type DocumentLimits, type Secrecy } from './document.js';

/** Parses and validates documents; each text once, as long as it is remembered. */
export interface Documents {
  /** Whether a text has been parsed, or could not be, and is remembered. */
  readonly isKnown: (text: string) => boolean;
  /**
   * The same object for the same text.
   * @throws GRAPHQL_PARSE_FAILED, OPERATION_TOO_COMPLEX
   */
  readonly parse: (text: string | Source) => DocumentNode;
  /** The mistakes of a parsed document; none when it is valid. */
  readonly mistakesOf: (document: DocumentNode) => readonly GraphQLError[];
}

/** The memory of the caches of documents, of those that are not valid and of texts that could not be parsed, in bytes. */
const DOCUMENT_BYTES = 67_108_864;
const INVALID_BYTES = 8_388_608;
const ERROR_BYTES = 4_194_304;

/** Creates the one cache of documents that all transports share. */
export const createDocuments = (schema: GraphQLSchema, limits: DocumentLimits, secrecy: Secrecy): Documents => {
  const parse = createParser(limits);
  const validate = createValidation(schema, secrecy);
  const parsed = createByteCache(DOCUMENT_BYTES, bytesOfDocument);
  /** They have a place of their own: nobody can push out what others ask for with what nobody can execute. */
  const invalid = createByteCache(INVALID_BYTES, bytesOfDocument);
  const failures = createByteCache<GraphQLError>(ERROR_BYTES, () => 0);
  const mistakes = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  return {
    isKnown: (text) => (parsed.get(text) ?? invalid.get(text) ?? failures.get(text)) !== undefined,
    parse: (source) => {
      const text = typeof source === 'string' ? source : source.body;
      const known = parsed.get(text) ?? invalid.get(text);
      if (known !== undefined) return known;
      const failure = failures.get(text);
      if (failure !== undefined) throw failure;
      try {
        const document = parse(text);
        parsed.set(text, document);
        return document;
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        const told = withCode(error, 'GRAPHQL_PARSE_FAILED');
        failures.set(text, told);
        throw told;
      }
    },
    mistakesOf: (document) => {
      let found = mistakes.get(document);
      if (found === undefined) {
        found = validate(document).map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'));
        mistakes.set(document, found);
        const text = document.loc?.source.body;
        if (found.length > 0 && text !== undefined) {
          parsed.delete(text);
          invalid.set(text, document);
        }
      }
      return found;
    },
  };
};

const withCode = (error: GraphQLError, code: ErrorCode): GraphQLError => {
  error.extensions['code'] ??= code;
  return error;
};
