import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';

/** An error in the words that are for the client alone. */
export const publicError = (error: GraphQLError): GraphQLFormattedError => {
  const { extensions = {}, ...formatted } = error.toJSON();
  // `http` is for responses; `originalError` is how Yoga quotes the parser of JSON.
  const { http: _http, originalError: _originalError, ...rest } = extensions;
  return { ...formatted, extensions: rest };
};

/** A result as it is sent, on every transport. */
export const publicResult = (result: {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[] | undefined;
}): FormattedExecutionResult =>
  (result.errors ? { ...result, errors: result.errors.map(publicError) } : result) as FormattedExecutionResult;
