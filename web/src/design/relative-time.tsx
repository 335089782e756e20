import { useSyncExternalStore } from 'react';
import { useFormats } from '../i18n/language.js';

/** One timer for all times on the page. */
const TICK_MS = 30_000;
const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const tick = (): void => {
  now = Date.now();
  for (const watcher of watchers) watcher();
};
const watch = (watcher: () => void): (() => void) => {
  if (watchers.size === 0) {
    timer = setInterval(tick, TICK_MS);
    now = Date.now();
  }
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) clearInterval(timer);
  };
};

/** When something was, seen from now; the exact time on hover and for machines. */
export const RelativeTime = ({ at }: { readonly at: string }) => {
  const { relative, exact } = useFormats();
  const present = useSyncExternalStore(watch, () => now);
  const time = new Date(at);
  return (
    <time dateTime={at} title={exact(time)}>
      {relative(time, present)}
    </time>
  );
};
