import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';

/** An error as it is sent, without the extensions that are internal. */
export const publicError = (error: GraphQLError): GraphQLFormattedError => {
  const { extensions = {}, ...formatted } = error.toJSON();
  // `http` sets status and headers of the response; `originalError` is where Yoga quotes the JSON parser.
  const { http: _http, originalError: _originalError, ...rest } = extensions;
  return { ...formatted, extensions: rest };
};

/** A result as it is sent on every transport. */
export const publicResult = (result: {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLError[] | undefined;
}): FormattedExecutionResult =>
  (result.errors ? { ...result, errors: result.errors.map(publicError) } : result) as FormattedExecutionResult;
