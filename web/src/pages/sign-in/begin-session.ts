import { useLocation, useSearch } from 'wouter';
import { paths, thenOf } from '../../app/paths.js';
import { tokens } from '../../api/session.js';
import { readFragment, type FragmentType } from '../../gql/fragment-masking.js';
import { NewSession } from './operations.js';

interface Begun {
  readonly user: { readonly id: string };
  readonly credentials: FragmentType<typeof NewSession>;
}

/**
 * Begins a session, and goes on to where somebody wanted to be when they were asked to sign in.
 * @param kept that place, where the address does not have it
 */
export const useBeginSession = (kept: string | null = null): ((begun: Begun) => void) => {
  const [, navigate] = useLocation();
  const then = thenOf(useSearch()) ?? kept;
  return ({ user, credentials }) => {
    const { accessToken, accessTokenExpiresAt, refreshToken, deviceToken } = readFragment(NewSession, credentials);
    tokens.signIn(user.id, { accessToken, accessTokenExpiresAt, refreshToken: refreshToken ?? null, deviceToken: deviceToken ?? null });
    navigate(then ?? paths.feed, { replace: true });
  };
};
