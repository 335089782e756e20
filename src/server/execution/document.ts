import {
  GraphQLError,
  Kind,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  parse,
  Source,
  specifiedRules,
  TokenKind,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type ParseOptions,
} from 'graphql';
import type { Config } from '../../config.js';
import { coded } from '../../errors.js';
import { expansionOf } from './expansion.js';

/**
 * Limits on a document that are checked before its cost can be computed. The time of validation grows with the square of the document's
 * size; each alias is one more execution of a field; parser and validation recurse into nested selections; and fragments multiply their
 * content.
 */
export type DocumentLimits = Pick<
  Config['limits'],
  'queryTokens' | 'queryAliases' | 'queryDirectives' | 'queryFragments' | 'queryNesting' | 'queryFields' | 'queryRootFields'
>;

/** The most validation errors that are reported. */
const MAX_MISTAKES = 20;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

const tooComplex = (what: string, max: number): GraphQLError =>
  coded('OPERATION_TOO_COMPLEX', `The document has more than ${max} ${what}.`, { limit: max });

/**
 * Checks the limits on a document's tokens without recursion, and reports the first that is exceeded.
 * @throws OPERATION_TOO_COMPLEX for too many tokens, aliases, directives or spreads, GRAPHQL_PARSE_FAILED for too deep nesting
 */
const assertTokens = (source: Source, limits: DocumentLimits): void => {
  const { queryTokens, queryAliases, queryDirectives, queryFragments, queryNesting } = limits;
  const lexer = new Lexer(source);
  let tokens = 0;
  let aliases = 0;
  let directives = 0;
  let spreads = 0;
  let nesting = 0;
  let parentheses = 0;
  for (let token = nextOf(lexer); token !== TokenKind.EOF; token = nextOf(lexer)) {
    tokens += 1;
    if (OPENING.has(token)) nesting += 1;
    else if (CLOSING.has(token)) nesting -= 1;
    if (token === TokenKind.PAREN_L) parentheses += 1;
    else if (token === TokenKind.PAREN_R) parentheses -= 1;
    // Inside parentheses a colon follows the name of an argument or variable; outside it follows an alias.
    else if (token === TokenKind.COLON && parentheses === 0) aliases += 1;
    if (token === TokenKind.AT) directives += 1;
    else if (token === TokenKind.SPREAD) spreads += 1;
    if (tokens > queryTokens) throw tooComplex('tokens', queryTokens);
    if (aliases > queryAliases) throw tooComplex('aliases', queryAliases);
    if (directives > queryDirectives) throw tooComplex('directives', queryDirectives);
    if (spreads > queryFragments) throw tooComplex('spreads of fragments', queryFragments);
    if (nesting > queryNesting) throw coded('GRAPHQL_PARSE_FAILED', `The document nests deeper than ${queryNesting} levels.`);
  }
};

/** The kind of the next token. An invalid character counts as the end of the document; the parser reports it with its position. */
const nextOf = (lexer: Lexer): TokenKind => {
  try {
    return lexer.advance().kind;
  } catch (error) {
    if (error instanceof GraphQLError) return TokenKind.EOF;
    throw error;
  }
};

/** Checks the number of a document's fragments, and what they expand to. @throws OPERATION_TOO_COMPLEX */
const assertExpands = (document: DocumentNode, { queryFragments, queryNesting, queryFields, queryRootFields }: DocumentLimits): void => {
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).length;
  if (fragments > queryFragments) throw tooComplex('fragments', queryFragments);
  const { fields, depth, rootFields } = expansionOf(document);
  if (fields > queryFields) throw tooComplex('fields', queryFields);
  if (rootFields > queryRootFields) throw tooComplex('root fields', queryRootFields);
  if (depth > queryNesting)
    throw coded('OPERATION_TOO_COMPLEX', `The fragments of the document nest deeper than ${queryNesting} levels.`, { limit: queryNesting });
};

/**
 * The parser of graphql-js behind the limits on documents. Its errors do not repeat strings and numbers of the document, which may be
 * secrets.
 */
export const createParser =
  (limits: DocumentLimits) =>
  (text: string | Source, options?: ParseOptions): DocumentNode => {
    const source = typeof text === 'string' ? new Source(text) : text;
    assertTokens(source, limits);
    const document = parsed(source, options);
    assertExpands(document, limits);
    return document;
  };

const parsed = (source: Source, options?: ParseOptions): DocumentNode => {
  try {
    return parse(source, options);
  } catch (error) {
    if (error instanceof GraphQLError) throw reworded(error, withoutToken(error.message));
    throw error;
  }
};

/** The message of graphql-js when a selection has so many fields of equal names that comparing them would take too long. */
const ABORTED = 'Validation aborted.';
const tooManyOverlaps = (): GraphQLError => coded('OPERATION_TOO_COMPLEX', 'The document names the same fields too often.');

/** What of the schema is told to those who do not know it. */
export type Secrecy = Config['schema'];

/** The validation of graphql-js. It stops after some errors, and its errors do not repeat values of the document. */
export const createValidation = (
  schema: GraphQLSchema,
  { introspection, suggestions }: Secrecy,
): ((document: DocumentNode) => readonly GraphQLError[]) => {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const options = { maxErrors: MAX_MISTAKES, hideSuggestions: !suggestions };
  return (document) => {
    try {
      return validate(schema, document, rules, options).map((error) =>
        error.message === ABORTED ? tooManyOverlaps() : reworded(error, withoutLiteral(error.message)),
      );
    } catch (error) {
      // A long chain of fragments overflows the stack of the recursive validation.
      if (error instanceof RangeError) return [coded('GRAPHQL_VALIDATION_FAILED', 'The document nests too deeply.')];
      throw error;
    }
  };
};

const reworded = (error: GraphQLError, message: string): GraphQLError =>
  message === error.message
    ? error
    : new GraphQLError(message, {
        nodes: error.nodes ?? null,
        source: error.source ?? null,
        positions: error.positions ?? null,
        extensions: error.extensions,
      });

/** `Syntax Error: Expected Name, found String "secret".` */
const withoutToken = (message: string): string => message.replace(/^(Syntax Error: .*?)(String|BlockString|Int|Float) "[^]*"\.$/, '$1$2.');

/** Messages about invalid literals: they begin with the type and then quote the value. */
const LITERAL_ERRORS = [
  /^Expected value of type "([^"]+)", found /,
  /^(\w+) cannot represent /,
  /^Enum "(\w+)" cannot represent /,
  /^Value "\w+" does not exist in "(\w+)" enum/,
];

const withoutLiteral = (message: string): string => {
  for (const pattern of LITERAL_ERRORS) {
    const type = pattern.exec(message)?.[1];
    if (type !== undefined) return `Expected a value of type "${type}".`;
  }
  return message;
};

/** The memory of a token and its node in a parsed document, in bytes; measured for `{a a a …}`. */
const TOKEN_BYTES = 500;

/** The memory of a parsed document without its text, in bytes. */
export const bytesOfDocument = ({ loc }: DocumentNode): number => {
  let bytes = 0;
  for (let token = loc?.startToken ?? null; token !== null; token = token.next) bytes += TOKEN_BYTES;
  return bytes;
};
