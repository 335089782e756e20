import { GraphQLError } from 'graphql';
import { coded } from '../errors.js';

/** UNAUTHENTICATED for a token. An expired one can be replaced by refreshing; any other can never be valid. */
export const tokenFailure = (reason: 'expired' | 'invalid'): GraphQLError =>
  reason === 'expired'
    ? coded('UNAUTHENTICATED', 'The access token has expired. Refresh the session.', { reason })
    : coded('UNAUTHENTICATED', 'The access token is not valid. Sign in again.', { reason });

export const isExpired = (error: unknown): boolean => error instanceof GraphQLError && error.extensions['reason'] === 'expired';
