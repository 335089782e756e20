import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { tokens } from '../api/session.js';
import { forgetTexts, keptPlaces } from './drafts.js';
import { SignOut } from './operations.js';
import { paths } from './paths.js';

const SignOutDialog = lazy(() => import('./sign-out-dialog.js'));

interface SigningOut {
  /** Ends the session, here and in all tabs, and forgets what was written and not sent; where there is such a text, after asking. */
  readonly signOut: () => void;
  /** What is asked, to be put anywhere into the page. */
  readonly question: ReactNode;
}

export const useSignOut = (): SigningOut => {
  const [, end] = useMutation(SignOut);
  const [, navigate] = useLocation();
  const [isAsking, setAsking] = useState(false);
  const act = async (): Promise<void> => {
    const owner = tokens.owner();
    // Without an answer the session lives on at the server, but nobody here has its tokens.
    await end({});
    tokens.signOut();
    if (owner !== null) forgetTexts(owner);
    navigate(paths.vault);
  };
  return {
    signOut: () => {
      const owner = tokens.owner();
      if (owner !== null && keptPlaces(owner).length > 0) setAsking(true);
      else void act();
    },
    question: isAsking && (
      <Suspense>
        <SignOutDialog onClose={() => setAsking(false)} onSignOut={act} />
      </Suspense>
    ),
  };
};
