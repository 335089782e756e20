import { useMutation, type CombinedError } from 'urql';
import { keepAttempt } from './attempts.js';
import { StartOidc } from './operations.js';

interface Asked {
  readonly issuer: string;
  readonly purpose: 'SIGN_IN' | 'LINK';
  /** To link only, of an account that has one. */
  readonly password?: string;
  readonly then: string | null;
}

/** Leaves the page for another server. @returns what went wrong, in which case the page stays */
export const useOidc = (): ((asked: Asked) => Promise<CombinedError | undefined>) => {
  const [, start] = useMutation(StartOidc);
  return async ({ then, ...input }) => {
    const { data, error } = await start({ input });
    if (!data?.startOidc) return error;
    const { url, state, secret, expiresAt } = data.startOidc;
    keepAttempt(state, { secret, purpose: input.purpose, then, expiresAt });
    window.location.assign(url);
    return undefined;
  };
};
