import type { IncomingMessage } from 'node:http';
import type { Config } from '../../config.js';
import type { SessionCookie } from '../../context.js';
import { coded } from '../../errors.js';

/** By `x-lyceum-session: cookie` a client of a browser asks that the refresh token travels in a cookie. */
export const SESSION_HEADER = 'x-lyceum-session';

/**
 * The cookie of a request; null where it is not asked for by the header. Then a cookie counts for nothing.
 * @param onSet called with the header `Set-Cookie` of the response
 * @throws FORBIDDEN for a page of another origin
 */
export type SessionCookieOf = (request: IncomingMessage, onSet: (header: string) => void) => SessionCookie | null;

/**
 * Creates the cookie of sessions. `__Host-` has browsers take it only by TLS or from their own machine, for this host alone, and no page can read it.
 * Cookies do not know ports, so a server whose address has one has it in the name: two on one machine do not sign each other's people out.
 */
export const createSessionCookies = ({ publicUrl, corsOrigins }: Pick<Config, 'publicUrl' | 'corsOrigins'>): SessionCookieOf => {
  const { port } = new URL(publicUrl);
  const name = `__Host-lyceum-refresh${port === '' ? '' : `-${port}`}`;
  const headerOf = (value: string, seconds: number): string =>
    `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; Secure; SameSite=Strict`;
  /** Browsers say where a POST comes from, and no page can make them say otherwise. Whoever says nothing is no browser. */
  const isOurs = ({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage): boolean => {
    if (site === 'same-origin') return true;
    if (origin === undefined) return site === undefined;
    return origin === publicUrl || corsOrigins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  };
  return (request, onSet) => {
    if (request.headers[SESSION_HEADER] !== 'cookie') return null;
    if (!isOurs(request)) throw coded('FORBIDDEN', 'Pages of this origin may not use the cookie of a session.');
    return {
      refreshToken: valueOf(request.headers.cookie ?? '', name),
      keep: (refreshToken, seconds) => onSet(headerOf(refreshToken, seconds)),
      forget: () => onSet(headerOf('', 0)),
    };
  };
};

const valueOf = (cookies: string, name: string): string | null => {
  const found = cookies.split(';').find((cookie) => cookie.trimStart().startsWith(`${name}=`));
  return found?.slice(found.indexOf('=') + 1).trim() || null;
};
