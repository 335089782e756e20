import {
  GraphQLError,
  Lexer,
  parse,
  Source,
  TokenKind,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type ParseOptions,
  type ValidationRule,
} from 'graphql';
import type { Config } from '../../config.js';
import { coded } from '../../errors.js';
import { expansionOf } from './expansion.js';

/**
 * What bounds a document before its cost can be known. Validation grows with the square of what stands in it; each alias is a further call of a
 * field; parser and validation go down a document by calling themselves; and fragments multiply what they hold.
 */
export type DocumentLimits = Pick<Config['limits'], 'queryTokens' | 'queryAliases' | 'queryNesting' | 'queryFields'>;

/** Mistakes in a document that are told of. */
const MAX_MISTAKES = 20;

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

const tooComplex = (what: string, max: number): GraphQLError =>
  coded('OPERATION_TOO_COMPLEX', `The document has more than ${max} ${what}.`, { limit: max });

/**
 * Looks through a document's tokens, without recursion; whatever goes too far first is told.
 * @throws OPERATION_TOO_COMPLEX for too many tokens or aliases, GRAPHQL_PARSE_FAILED for one that nests too deep
 */
const assertModest = (source: Source, { queryTokens, queryAliases, queryNesting }: DocumentLimits): void => {
  const lexer = new Lexer(source);
  let tokens = 0;
  let aliases = 0;
  let nesting = 0;
  let parentheses = 0;
  for (let token = nextOf(lexer); token !== TokenKind.EOF; token = nextOf(lexer)) {
    tokens += 1;
    if (OPENING.has(token)) nesting += 1;
    else if (CLOSING.has(token)) nesting -= 1;
    if (token === TokenKind.PAREN_L) parentheses += 1;
    else if (token === TokenKind.PAREN_R) parentheses -= 1;
    // Within parentheses a colon stands behind the name of an argument or a variable.
    else if (token === TokenKind.COLON && parentheses === 0) aliases += 1;
    if (tokens > queryTokens) throw tooComplex('tokens', queryTokens);
    if (aliases > queryAliases) throw tooComplex('aliases', queryAliases);
    if (nesting > queryNesting) throw coded('GRAPHQL_PARSE_FAILED', `The document nests deeper than ${queryNesting} levels.`);
  }
};

/** The kind of the next token. What is no token ends the document here: the parser finds it as well, and says where. */
const nextOf = (lexer: Lexer): TokenKind => {
  try {
    return lexer.advance().kind;
  } catch (error) {
    if (error instanceof GraphQLError) return TokenKind.EOF;
    throw error;
  }
};

/** @throws OPERATION_TOO_COMPLEX for one whose fragments make too much of it */
const assertExpands = (document: DocumentNode, { queryNesting, queryFields }: DocumentLimits): void => {
  const { fields, depth } = expansionOf(document);
  if (fields > queryFields) throw tooComplex('fields', queryFields);
  if (depth > queryNesting)
    throw coded('OPERATION_TOO_COMPLEX', `The fragments of the document nest deeper than ${queryNesting} levels.`, { limit: queryNesting });
};

/** graphql-js' parser, for documents of a modest size. Its errors do not repeat texts and numbers that stand in the document. */
export const createParser =
  (limits: DocumentLimits) =>
  (text: string | Source, options?: ParseOptions): DocumentNode => {
    const source = typeof text === 'string' ? new Source(text) : text;
    assertModest(source, limits);
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

/** What graphql-js says, and nothing more, when a selection names so many fields twice that comparing them all would take too long. */
const ABORTED = 'Validation aborted.';
const tooManyOverlaps = (): GraphQLError => coded('OPERATION_TOO_COMPLEX', 'The document names the same fields too often.');

/** graphql-js' validation, which ends after some mistakes, and whose errors do not repeat the values that stand in the document. */
export const validateDocument = (
  schema: GraphQLSchema,
  document: DocumentNode,
  rules?: readonly ValidationRule[],
): readonly GraphQLError[] => {
  try {
    return validate(schema, document, rules, { maxErrors: MAX_MISTAKES }).map((error) =>
      error.message === ABORTED ? tooManyOverlaps() : reworded(error, withoutLiteral(error.message)),
    );
  } catch (error) {
    // Fragments that lead to fragments, and so on.
    if (error instanceof RangeError) return [coded('GRAPHQL_VALIDATION_FAILED', 'The document nests too deeply.')];
    throw error;
  }
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

/** What the validation of literals says, each of which begins with the type and goes on with the value. */
const OF_LITERALS = [
  /^Expected value of type "([^"]+)", found /,
  /^(\w+) cannot represent /,
  /^Enum "(\w+)" cannot represent /,
  /^Value "\w+" does not exist in "(\w+)" enum/,
];

const withoutLiteral = (message: string): string => {
  for (const pattern of OF_LITERALS) {
    const type = pattern.exec(message)?.[1];
    if (type !== undefined) return `Expected a value of type "${type}".`;
  }
  return message;
};
