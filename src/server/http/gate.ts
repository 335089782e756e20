import type { IncomingMessage } from 'node:http';
import type { Config } from '../../config.js';
import type { ErrorCode } from '../../errors.js';
import { wantsPage } from './negotiate.js';

/** Why a request is not answered. */
export interface Turned {
  readonly status: 308 | 403 | 421;
  readonly code: ErrorCode;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a request must be to be answered at all, as HTTP or as the handshake of a socket. */
export interface Gate {
  /** Whether the request has come by TLS, which the proxy knows of. */
  readonly isSecure: (request: IncomingMessage) => boolean;
  /** Null when it is answered. */
  readonly turn: (request: IncomingMessage, path: string) => Turned | null;
}

/** They are asked by address, from within. */
const HEALTH: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/**
 * Creates the gate: requests have one of the names of ALLOWED_HOSTS, where there are any, and come by TLS where REQUIRE_TLS says so. A name that
 * is not ours comes from a page which has had its own name resolve to this address (DNS rebinding), or from a link that somebody forged to be kept
 * by a cache.
 */
export const createGate = ({
  allowedHosts,
  requireTls,
  trustProxy,
  publicUrl,
}: Pick<Config, 'allowedHosts' | 'requireTls' | 'trustProxy' | 'publicUrl'>): Gate => {
  const allowed = new Set(allowedHosts);
  const isSecure = ({ headers }: IncomingMessage): boolean =>
    trustProxy &&
    String(headers['x-forwarded-proto'] ?? '')
      .split(',')
      .at(-1)
      ?.trim()
      .toLowerCase() === 'https';
  return {
    isSecure,
    turn: (request, path) => {
      if (HEALTH.has(path)) return null;
      if (allowed.size > 0 && !isAmong(allowed, request.headers.host))
        return { status: 421, code: 'BAD_REQUEST', message: 'This server does not answer by that name.' };
      if (!requireTls || isSecure(request)) return null;
      const message = 'Use https:// and wss://.';
      return wantsPage(request) && publicUrl.startsWith('https:')
        ? { status: 308, code: 'FORBIDDEN', message, headers: { location: new URL(`.${request.url ?? '/'}`, `${publicUrl}/`).href } }
        : { status: 403, code: 'FORBIDDEN', message };
    },
  };
};

/** A name without a port is meant with any. */
const isAmong = (allowed: ReadonlySet<string>, host = ''): boolean => {
  const given = host.toLowerCase();
  return allowed.has(given) || allowed.has(given.replace(/:\d+$/, ''));
};
