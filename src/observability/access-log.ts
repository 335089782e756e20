import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from './log.js';

/** What is noted of a request or of an operation while it is under way. */
export interface Visit {
  /** `query`, `mutation` or `subscription`; null before there is an operation. */
  kind: string | null;
  /** The name of the operation. */
  operation: string | null;
  /** What it costs, in rows. */
  cost: number | null;
  /** Of its first error, or of that which has ended it. */
  code: string | null;
  /** When it began, by `performance.now()`. */
  readonly began: number;
}

/** Who has asked, and from where. */
export interface Visitor {
  readonly userId: string | null;
  readonly ip: string | null;
  readonly requestId: string | null;
}

/**
 * A line for each request over HTTP, each operation over a socket and each socket, once it is over. Nothing stands in it that somebody has written, and
 * nothing by which one could come in: no variables, no documents, no headers, and of an address of the web only its path.
 */
export interface AccessLog {
  /** Has a line written when the response is closed. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  /** What is noted of such a request. */
  readonly visitOf: VisitOf;
  /** A line for an operation over a socket. */
  readonly operation: (visit: Visit, visitor: Visitor) => void;
  /** A line for a socket: when it was closed, or when its handshake was refused. @param ms for how long it was open */
  readonly socket: (visitor: Visitor, end: { readonly status: number; readonly closedWith?: number; readonly ms: number }) => void;
}

/** Finds what is noted of a request; null where nothing is. */
export type VisitOf = (request: IncomingMessage) => Visit | null;

/** The longest name of an operation, and the longest path, in characters. */
const MAX_TEXT = 200;

export const aVisit = (): Visit => ({ kind: null, operation: null, cost: null, code: null, began: performance.now() });

/** Notes which operation it is. */
export const noteOperation = (visit: Visit, kind: string, name: string | null, cost: number): void => {
  Object.assign(visit, { kind, operation: name?.slice(0, MAX_TEXT) ?? null, cost } satisfies Partial<Visit>);
};

/** @param visitorOf who has sent a request, as far as is known when it is over */
export const createAccessLog = (log: Log, visitorOf: (request: IncomingMessage) => Visitor): AccessLog => {
  // Whoever has it switched on gets it, whatever else is logged.
  const lines = log.child({}, { level: 'info' });
  const visits = new WeakMap<IncomingMessage, Visit>();
  const tell = (transport: string, visitor: Visitor, what: object): void =>
    lines.info({ access: transport, ...visitor, ...what }, 'access');
  const told = ({ kind, operation, cost, code, began }: Visit): object => ({ kind, operation, code, cost, ms: since(began) });
  return {
    request: (request, response) => {
      const visit = aVisit();
      visits.set(request, visit);
      // It is changed while the request is handled.
      const { method, url = '/' } = request;
      response.once('close', () => {
        const isStream = String(response.getHeader('content-type')).startsWith('text/event-stream');
        const path = url.replace(/^https?:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? '';
        const status = response.headersSent ? response.statusCode : null;
        tell(isStream ? 'sse' : 'http', visitorOf(request), { method, path: path.slice(0, MAX_TEXT), status, ...told(visit) });
      });
    },
    visitOf: (request) => visits.get(request) ?? null,
    operation: (visit, visitor) => tell('websocket', visitor, told(visit)),
    socket: (visitor, { ms, ...end }) => tell('websocket', visitor, { kind: 'socket', ...end, ms: Math.round(ms) }),
  };
};

/** In milliseconds, to a tenth. */
const since = (began: number): number => Math.round(10 * (performance.now() - began)) / 10;
