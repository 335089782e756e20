import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { tokens } from '../api/session.js';
import { SignOut } from './operations.js';
import { paths } from './paths.js';

/** Ends the session, here and in all tabs. */
export const useSignOut = (): (() => Promise<void>) => {
  const [, signOut] = useMutation(SignOut);
  const [, navigate] = useLocation();
  return async () => {
    // Without an answer the session lives on at the server, but nobody here has its tokens.
    await signOut({});
    tokens.signOut();
    navigate(paths.vault);
  };
};
