import { CloseCode } from 'graphql-ws';

/** Why this server closes a socket, with the code by which clients decide whether to come back; PROTOCOL.md says what they do. */
export const CLOSE = {
  /** A message that is none of the protocol. */
  badRequest: CloseCode.BadRequest,
  /** A token that can never be valid, or a session that is over. */
  unauthorized: CloseCode.Unauthorized,
  /** A token that has expired: come back with a fresh one. */
  tokenExpired: CloseCode.Forbidden,
  initTimeout: CloseCode.ConnectionInitialisationTimeout,
  /** A flood of operations. */
  tooManyRequests: CloseCode.TooManyInitialisationRequests,
  internal: CloseCode.InternalServerError,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const;
