import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

/** What of a message the window looks at. */
interface Message {
  readonly id: string;
  readonly seq: number;
}
interface Window {
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  readonly missed: number;
}
interface Windows {
  readonly EMPTY: Window;
  readonly withAdded: (window: Window, message: Message) => Window;
  readonly withNewer: (window: Window, page: readonly Message[], hasNewer: boolean) => Window;
  readonly withOlder: (window: Window, page: readonly Message[], hasOlder: boolean) => Window;
  readonly withoutStart: (window: Window) => Window;
  readonly withoutEnd: (window: Window, isFresh: (message: Message) => boolean) => Window;
}
// The client is compiled by settings of its own.
const HISTORY = resolve(import.meta.dirname, '../../web/src/pages/messages/history.ts');
const { EMPTY, withAdded, withNewer, withOlder, withoutStart, withoutEnd } = (await import(pathToFileURL(HISTORY).href)) as Windows;

const PAGE = 50;
const ALL = 2_000;
const page = (from: number): Message[] => Array.from({ length: PAGE }, (_, index) => ({ id: `m${from + index}`, seq: from + index }));
const first = ({ messages }: Window): number => messages[0]?.seq ?? 0;
const last = ({ messages }: Window): number => messages.at(-1)?.seq ?? 0;
const hasHole = ({ messages }: Window): boolean => messages.some(({ seq }, index) => seq !== (messages[0]?.seq ?? 0) + index);

test('a history that is scrolled from its end to its start and back is never long and never has a hole', () => {
  let window = withNewer(EMPTY, page(ALL - PAGE), false);
  let longest = 0;
  const look = (): void => {
    longest = Math.max(longest, window.messages.length);
    expect(hasHole(window)).toBe(false);
  };
  for (let from = first(window) - PAGE; from >= 0; from -= PAGE) {
    window = withoutEnd(withOlder(window, page(from), from > 0), () => false);
    look();
  }
  expect([first(window), window.hasOlder, window.hasNewer]).toEqual([0, false, true]);
  while (window.hasNewer) {
    const from = last(window) + 1;
    window = withoutStart(withNewer(window, page(from), from + PAGE < ALL));
    look();
  }
  expect([last(window), window.hasOlder]).toEqual([ALL - 1, true]);
  expect(longest).toBeLessThanOrEqual(650);
});

test('messages that nobody has looked at are counted when the window lets go of them, and so are those that come behind it', () => {
  let window = withNewer(EMPTY, Array.from({ length: 14 }, (_, index) => page(index * PAGE)).flat(), false);
  window = withoutEnd(window, ({ seq }) => seq >= 698);
  expect(window.missed).toBe(2);
  window = withAdded(window, { id: 'm700', seq: 700 });
  expect(window).toMatchObject({ missed: 3, hasNewer: true });
  expect(last(window)).toBeLessThan(698);
});
