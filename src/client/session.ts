import { delayOf, wait, type Backoff } from './backoff.js';
import { OPEN, type Socket } from './sockets.js';

/**
 * Gives the token to connect with; null to come as a guest. `initial`: the one at hand. `expired`: that one has expired or is about to, so
 * a fresh one. A rejection means that there was no answer: it is asked again after a while. Never asked twice at a time.
 */
export type GetAccessToken = (reason: 'initial' | 'expired') => Promise<string | null> | string | null;

/** Keeps the access token of one client fresh. */
export interface Session {
  /** The token for the next connection. Never rejects; null also when `ending` is aborted. */
  readonly token: () => Promise<string | null>;
  /** A connection is open; its `connection_ack` tells when the token expires. */
  readonly connected: (socket: Socket, ack: Readonly<Record<string, unknown>>) => void;
  /** The server has answered a ping; if that renewed the session, with its new end. */
  readonly answered: (pong: Readonly<Record<string, unknown>>) => void;
  readonly disconnected: (tokenExpired: boolean) => void;
}

/** The longest that a timer can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** How long before its end a token is renewed at the earliest, in milliseconds; one of a short life in the last fifth of it. */
const MAX_LEAD_MS = 60_000;
/** The remaining life of a token below which a failed renewal is not tried again, in milliseconds. */
const WORTH_A_TRY_MS = 1_000;

export const createSession = (getAccessToken: GetAccessToken, backoff: Backoff, ending: AbortSignal): Session => {
  /** The connection whose token is renewed in place. */
  let present: Socket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The server's time, less ours, which counts from anywhere; null before the server has told it. */
  let offset: number | null = null;
  /** Of the token that was used last, in our time. */
  let expiresAt = Infinity;
  let asking: Promise<string | null> | null = null;

  const ask = (reason: 'initial' | 'expired'): Promise<string | null> => {
    const answer = async (): Promise<string | null> => {
      try {
        const token = await getAccessToken(reason);
        if (reason === 'expired') expiresAt = Infinity;
        return token;
      } finally {
        asking = null;
      }
    };
    // A refresh token is valid once: two renewals at the same time would end the session.
    return (asking ??= Promise.resolve().then(answer));
  };

  const renew = async (): Promise<void> => {
    const socket = present;
    try {
      const accessToken = await ask('expired');
      if (accessToken !== null && socket === present && socket?.readyState === OPEN) {
        socket.send(JSON.stringify({ type: 'ping', payload: { accessToken } }));
      }
    } catch {
      // If it never succeeds, the server closes the socket, and a token is asked for before the next one is opened.
      const left = expiresAt - performance.now();
      if (socket === present && left > WORTH_A_TRY_MS) timer = setTimeout(() => void renew(), left / 2);
    }
  };

  const expectExpiry = (at: unknown): void => {
    const serverTime = timeOf(at);
    if (serverTime === null || offset === null) return;
    clearTimeout(timer);
    expiresAt = serverTime - offset;
    const left = expiresAt - performance.now();
    if (left > WORTH_A_TRY_MS / 2) timer = setTimeout(() => void renew(), Math.min(left - Math.min(MAX_LEAD_MS, left / 5), MAX_TIMEOUT_MS));
  };

  return {
    token: async () => {
      for (let failures = 0; !ending.aborted; failures += 1) {
        try {
          return await ask(performance.now() < expiresAt ? 'initial' : 'expired');
        } catch {
          await wait(delayOf(backoff, failures), ending);
        }
      }
      return null;
    },
    connected: (socket, { serverTime, accessTokenExpiresAt }) => {
      present = socket;
      expiresAt = Infinity;
      const now = timeOf(serverTime);
      offset = now === null ? null : now - performance.now();
      expectExpiry(accessTokenExpiresAt);
    },
    answered: ({ accessTokenExpiresAt }) => expectExpiry(accessTokenExpiresAt),
    disconnected: (tokenExpired) => {
      present = null;
      clearTimeout(timer);
      if (tokenExpired) expiresAt = -Infinity;
    },
  };
};

const timeOf = (value: unknown): number | null => {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time;
};
