import { useCallback, type MouseEvent } from 'react';
import { useLocation } from 'wouter';
import { PLACES } from './places.js';

const isPlace = (path: string): boolean => (PLACES as readonly string[]).includes(path.split('/', 2)[1] ?? '');

/**
 * Goes where links in texts of people lead, such as mentions and other entries, without loading the client again. Those of the client itself do so by themselves;
 * the browser does what leads elsewhere, or to another part of the same page.
 */
export const useFollowedLinks = (): ((event: MouseEvent) => void) => {
  const [, navigate] = useLocation();
  return useCallback(
    (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
      if (!link || !isPlain || event.defaultPrevented || link.target !== '' || link.origin !== location.origin) return;
      const isHere = link.pathname === location.pathname && link.search === location.search && link.hash !== '';
      if (isHere || !isPlace(link.pathname)) return;
      event.preventDefault();
      navigate(link.pathname + link.search + link.hash);
    },
    [navigate],
  );
};
