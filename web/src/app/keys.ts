import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { paths } from './paths.js';

/** After `g`, the first letter of where to go. */
export const GO_KEYS = { v: paths.vault, f: paths.feed, m: paths.messages, n: paths.notifications, s: paths.settings } as const;
type GoKey = keyof typeof GO_KEYS;
const isGoKey = (key: string): key is GoKey => key in GO_KEYS;

/** How long `g` waits for its letter, in milliseconds. */
const THEN_MS = 1_500;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

export interface KeyActs {
  readonly onPalette: () => void;
  readonly onKeys: () => void;
}

/** The keys that hold on every page; none of them while somebody types, but the palette's. */
export const useKeys = ({ onPalette, onKeys }: KeyActs): void => {
  const [, navigate] = useLocation();
  const goAt = useRef(-Infinity);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { key, target, timeStamp } = event;
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key.toLowerCase() === 'k') {
        event.preventDefault();
        onPalette();
        return;
      }
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) return;
      if (key === '?') {
        event.preventDefault();
        onKeys();
      } else if (key === 'g') {
        goAt.current = timeStamp;
        return;
      } else if (isGoKey(key) && timeStamp - goAt.current < THEN_MS) {
        event.preventDefault();
        navigate(GO_KEYS[key]);
      }
      goAt.current = -Infinity;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, onPalette, onKeys]);
};
