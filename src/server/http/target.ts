import type { IncomingMessage } from 'node:http';

/** An absolute form: its authority, and what follows it. */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * Turns a request target in absolute form, as clients of a proxy send it, into the usual form. Every server must accept it, and its
 * authority takes the place of the Host header (RFC 9112, 3.2.2).
 */
export const toOriginForm = (request: IncomingMessage): void => {
  const [, authority, rest = ''] = ABSOLUTE_FORM.exec(request.url ?? '/') ?? [];
  if (authority === undefined) return;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
};
