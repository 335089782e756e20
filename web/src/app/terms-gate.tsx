import { lazy, Suspense, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { paths } from './paths.js';
import { useViewer } from './viewer.js';

const TermsPage = lazy(() => import('./terms-page.js'));

/** The page; before it, what somebody has to accept who is signed in. In the settings one gets what is stored, and ends it, without accepting anything. */
export const TermsGate = ({ children }: { readonly children: ReactNode }) => {
  const [location] = useLocation();
  const owes = useViewer()?.owes ?? null;
  if (owes === null || location === paths.settings) return children;
  return (
    <Suspense>
      <TermsPage terms={owes} />
    </Suspense>
  );
};
