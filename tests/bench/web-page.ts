/** What runs in the page of {@link file://./web.ts}. */

/** A turn of the wheel, in pixels: less than the history is high, so that something is seen before and after it. */
export const STEP = 600;

/** Counts what the page hears and how long it is busy; `benchTake()` gives it and begins anew. */
export const WATCH = `(() => {
  const none = () => ({ wheels: 0, keys: 0, longTasks: 0, longest: 0, slowestInput: 0 });
  let seen = none();
  window.benchTake = () => { const taken = seen; seen = none(); return taken; };
  addEventListener('wheel', () => { seen.wheels += 1; }, { capture: true, passive: true });
  addEventListener('keydown', (event) => {
    seen.keys += 1;
    if (event.key === 'Enter') window.benchPressed = performance.timeOrigin + event.timeStamp;
  }, { capture: true });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) { seen.longTasks += 1; seen.longest = Math.max(seen.longest, duration); }
  }).observe({ type: 'longtask' });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.slowestInput = Math.max(seen.slowestInput, duration);
  }).observe({ type: 'event', durationThreshold: 16 });
})()`;

/** The message in the middle of the history, and where it stands. */
export const ANCHOR = `(() => {
  const list = document.querySelector('[data-testid=history]');
  const { top, height } = list.getBoundingClientRect();
  const middle = top + height / 2;
  const found = [...list.querySelectorAll('article[data-row]')].map((element) => ({ row: element.dataset.row, y: element.getBoundingClientRect().y }));
  return found.sort((one, other) => Math.abs(one.y - middle) - Math.abs(other.y - middle))[0] ?? null;
})()`;

/** Where a message stands when nothing has moved for eight frames; null when it is not in the page any more. */
export const heldStill = (row: string): string => `new Promise((resolve) => {
  const list = document.querySelector('[data-testid=history]');
  const look = () => list.querySelector('article[data-row=' + JSON.stringify(${JSON.stringify(row)}) + ']')?.getBoundingClientRect().y ?? null;
  let [last, still] = [look(), 0];
  const frame = () => {
    const y = look();
    still = y === last ? still + 1 : 0;
    last = y;
    if (still >= 8) resolve(y);
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})`;

/** Resolves with the time, in milliseconds since the epoch, after the frame that has painted a message of this text. */
export const PAINTED = `(text) => new Promise((resolve) => {
  const list = document.querySelector('[data-testid=history]');
  const look = () => {
    if (![...list.querySelectorAll('article')].slice(-3).some((article) => article.textContent.includes(text))) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
      channel.port2.postMessage(null);
    });
  };
  const observer = new MutationObserver(look);
  observer.observe(list, { childList: true, subtree: true, characterData: true });
  look();
})`;

/** Looks in each frame where the message in the middle stands; `benchMoved()` gives by how much that was different, in pixels. */
export const FOLLOW = `(() => {
  const anchor = ${ANCHOR};
  const list = document.querySelector('[data-testid=history]');
  let moved = 0;
  const frame = () => {
    const y = list.querySelector('article[data-row=' + JSON.stringify(anchor.row) + ']')?.getBoundingClientRect().y;
    moved = Math.max(moved, y === undefined ? Infinity : Math.abs(y - anchor.y));
    requestAnimationFrame(frame);
  };
  frame();
  window.benchMoved = () => moved;
})()`;
