import type { Page } from 'playwright-core';

/** Two looks, a few frames apart, that see the same: nothing is loading, and nothing moves. */
const LOOK = `(async () => {
  await document.fonts.ready;
  const look = () => [document.querySelector('main')?.innerHTML.length, document.body.scrollHeight].join();
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const first = look();
  for (let frames = 0; frames < 12; frames += 1) await frame();
  return first === look() && document.querySelector('[aria-busy=true], [role=status][data-kind]') === null;
})()`;

/** Waits until the page shows what it has come to. */
export const settled = async (page: Page): Promise<void> => {
  while (!(await page.evaluate<boolean>(LOOK)));
};
