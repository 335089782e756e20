import type { IncomingMessage } from 'node:http';
import { contextFor, type Context, type Principal, type Services, type SessionCookie } from '../../context.js';
import type { Visit } from '../../observability/access-log.js';
import { CURSOR_LENGTH } from '../../realtime/cursor.js';
import { commitOf } from '../execution/commit.js';
import type { HangUp } from '../execution/hang-up.js';
import type { OperationRequest } from '../execution/request.js';
import { clientAddress } from './address.js';
import { requestIdOf } from './request-id.js';

/** The longest user agent that is kept, in characters. */
const USER_AGENT_LENGTH = 500;

/** The client of a request or of a handshake. */
export const clientOf = (request: IncomingMessage, trustProxy: boolean): Context['client'] => ({
  ip: clientAddress(request, trustProxy),
  userAgent: request.headers['user-agent']?.slice(0, USER_AGENT_LENGTH) ?? null,
  requestId: requestIdOf(request),
});

/** The context of an operation over HTTP. */
export const contextOfRequest = (
  services: Services,
  request: IncomingMessage,
  principal: Principal | null,
  hangUp: HangUp,
  extensions: OperationRequest['extensions'],
  { sessionCookie = null, visit }: { readonly sessionCookie?: SessionCookie | null; readonly visit: Visit | null },
): Context =>
  contextFor(services, {
    principal,
    client: clientOf(request, services.config.trustProxy),
    lastEventId: lastEventIdOf(request),
    commit: commitOf(extensions, request.headers),
    hangUp,
    sessionCookie,
    visit,
  });

/**
 * The Last-Event-ID of a request. One that is longer than any cursor is cut: it remains invalid and is refused as `after` would be, without
 * being kept whole.
 */
const lastEventIdOf = ({ headers }: IncomingMessage): string | null => {
  const given = headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, CURSOR_LENGTH + 1) : null;
};
