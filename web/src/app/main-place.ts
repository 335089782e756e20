import { useMemo, type RefObject } from 'react';

/** The part of the frame that scrolls the page. */
export const useMain = (): RefObject<HTMLElement | null> =>
  useMemo(
    () => ({
      get current() {
        return document.getElementById('page');
      },
    }),
    [],
  );
