/** What is used here of a browser; Node has none of it. */
interface Browser {
  readonly document?: { cookie: string };
}

const PROBE = '__Host-lyceum-probe';

/**
 * Whether this browser keeps cookies that travel by TLS alone for this page. By `http://` it does so at most for its own machine; what it does is tried
 * out, since browsers differ there, and somebody may have forbidden cookies.
 */
const keepsCookies = (): boolean => {
  const { document } = globalThis as Browser;
  try {
    if (document === undefined) return false;
    document.cookie = `${PROBE}=1; Path=/; Secure; SameSite=Strict`;
    const isKept = document.cookie.includes(`${PROBE}=1`);
    document.cookie = `${PROBE}=; Path=/; Secure; SameSite=Strict; Max-Age=0`;
    return isKept;
  } catch {
    return false;
  }
};

/**
 * The headers by which the refresh token travels in a cookie that no page can read, for every request of a page that comes from the server itself. None
 * where the browser would not keep it: then the token comes in `Credentials.refreshToken`, and `createTokens` keeps it.
 */
export const sessionHeaders = (): Readonly<Record<string, string>> => (keepsCookies() ? { 'x-lyceum-session': 'cookie' } : {});
