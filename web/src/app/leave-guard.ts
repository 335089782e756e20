import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';

/** What is asked before the router hears that the browser went back or on: whether the page is to be stayed on. */
let holds: (() => boolean) | null = null;
// In the order in which they were added, so this must be before the router's own: `app.tsx` imports it.
addEventListener('popstate', (event) => {
  if (holds?.()) event.stopImmediatePropagation();
});

interface LeaveGuard {
  /** Somebody is about to leave: ask them. */
  readonly isAsking: boolean;
  readonly stay: () => void;
  readonly leave: () => void;
}

/**
 * While it is on, leaving is asked about: by a link, by the browser's back button, by closing or loading the page again (where the browser asks in its
 * own words).
 */
export const useLeaveGuard = (isOn: boolean): LeaveGuard => {
  const [, navigate] = useLocation();
  const [leaving, setLeaving] = useState<(() => void) | null>(null);
  const isLetThrough = useRef(false);
  useEffect(() => {
    if (!isOn) return;
    const { pathname } = location;
    let here = location.href;
    const unload = (event: BeforeUnloadEvent): void => event.preventDefault();
    const click = (event: MouseEvent): void => {
      if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || link.target === '_blank' || link.origin !== location.origin || link.pathname === pathname) return;
      event.preventDefault();
      event.stopPropagation();
      setLeaving(() => () => navigate(link.pathname + link.search + link.hash));
    };
    const back = (): boolean => {
      if (isLetThrough.current) return false;
      if (location.pathname === pathname) {
        here = location.href;
        return false;
      }
      history.pushState(null, '', here);
      setLeaving(() => () => history.back());
      return true;
    };
    addEventListener('beforeunload', unload);
    holds = back;
    document.addEventListener('click', click, { capture: true });
    return () => {
      removeEventListener('beforeunload', unload);
      holds = null;
      document.removeEventListener('click', click, { capture: true });
    };
  }, [isOn, navigate]);
  return {
    isAsking: leaving !== null,
    stay: () => setLeaving(null),
    leave: () => {
      setLeaving(null);
      isLetThrough.current = true;
      leaving?.();
    },
  };
};
