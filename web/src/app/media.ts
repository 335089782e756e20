import { useCallback, useSyncExternalStore } from 'react';

/** Whether a media query holds now, for what is not only another look: `useMedia('(width < 1100px)')`. */
export const useMedia = (query: string): boolean => {
  const watch = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener('change', listener);
      return () => media.removeEventListener('change', listener);
    },
    [query],
  );
  return useSyncExternalStore(watch, () => matchMedia(query).matches);
};
