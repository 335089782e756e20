import { CloseCode } from 'graphql-ws';

/** The reasons for which this server closes a socket, with the codes by which clients decide whether to reconnect; see PROTOCOL.md. */
export const CLOSE = {
  /** A message that violates the protocol. */
  badRequest: CloseCode.BadRequest,
  /** A token that can never become valid, or a session that is over. */
  unauthorized: CloseCode.Unauthorized,
  /** An expired token: reconnect with a fresh one. */
  tokenExpired: CloseCode.Forbidden,
  initTimeout: CloseCode.ConnectionInitialisationTimeout,
  /** Too many operations. */
  tooManyRequests: CloseCode.TooManyInitialisationRequests,
  internal: CloseCode.InternalServerError,
  serviceRestart: 1012,
  tryAgainLater: 1013,
} as const;
