import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuClockOf } from '../../src/markdown/cpu-time.js';
import { createThreads, type Threads } from '../../src/markdown/threads.js';

/** A text of which there is so much that no processor renders it in a millisecond. */
const LARGE = 'a **b** [c](d) `e`\n\n'.repeat(9_000);
const html = (source: string) => ({ kind: 'html', source, mentions: false }) as const;

const within = (ms: number) => ({ ms, waitMs: 60_000 });

let threads: Threads;

beforeAll(async () => {
  threads = createThreads();
  await threads.ask(html('ready'), within(10_000));
});
afterAll(() => threads.stop());

/** The longest that the event loop of this thread does not turn meanwhile, in milliseconds. */
const longestPause = async (work: Promise<unknown>): Promise<number> => {
  let [isOver, longest] = [false, 0];
  const over = work.finally(() => (isOver = true));
  for (let last = performance.now(); !isOver;) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  await over;
  return longest;
};

describe('a text that is read by a thread', () => {
  it('comes back as what was asked for', async () => {
    expect(await threads.ask(html('*a*'), within(2_000))).toMatchObject({ isDone: true, answer: '<p><em>a</em></p>\n' });
    expect(await threads.ask({ kind: 'mentions', source: '@ada' }, within(2_000))).toMatchObject({ answer: ['ada'] });
    expect(await threads.ask({ kind: 'firstHeading', source: '# A' }, within(2_000))).toMatchObject({ isDone: true, answer: 'A' });
    expect(await threads.ask({ kind: 'firstHeading', source: 'A' }, within(2_000))).toMatchObject({ isDone: true, answer: null });
    expect(await threads.ask({ kind: 'destinations', source: '[a](b)' }, within(2_000))).toMatchObject({
      answer: [{ written: 'b', at: 4 }],
    });
  });

  it('is given up when it takes more work than it may, and the next one is read', async () => {
    const outcome = await threads.ask(html(LARGE), within(1));
    expect(outcome.isDone).toBe(false);
    expect(outcome.ms).toBeGreaterThan(1);
    expect(await threads.ask(html(LARGE), within(30_000))).toMatchObject({ isDone: true });
  });

  // Each of these took minutes in the parser before, or exhausted its stack.
  it.each([
    ['quotes in quotes', '>'.repeat(200_000)],
    ['lists in lists', '+ - * '.repeat(33_333)],
    ['items in items', '1. '.repeat(66_666)],
    ['lists by indentation', Array.from({ length: 440 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n')],
    ['brackets', '['.repeat(200_000)],
    ['links in links', '['.repeat(50_000) + '](a)'.repeat(30_000)],
    ['lazy lines of an item', `- 1a\n${'1a\n'.repeat(60_000)}`],
    ['underlined headings', 'a\n-\n'.repeat(50_000)],
    ['emphasis', '*a**b'.repeat(40_000)],
    ['tags', '<div>'.repeat(40_000)],
    ['an address that is used again and again', `[a]: /${'u'.repeat(2_000)}\n\n${'[a] '.repeat(48_000)}`],
    ['notes', `${'[^1]'.repeat(30_000)}\n\n[^1]: ${'[^2]'.repeat(10_000)}\n\n[^2]: a`],
    ['headings in HTML', '<h1>'.repeat(50_000)],
    ['signs of formulas', '$a '.repeat(66_000)],
    ['formulas', '$x$ '.repeat(2_000)],
    ['fractions in fractions', `$${'\\frac'.repeat(190)}1$ `.repeat(200)],
    ['colons', ':a'.repeat(100_000)],
    ['addresses', 'www.'.repeat(50_000)],
    ['code', `\`\`\`js\n${'a(b)/*c*/\n'.repeat(9_000)}\`\`\``],
    ['an empty table', `${'|'.repeat(1_000)}\n${'|-'.repeat(999)}|\n${'|a\n'.repeat(60_000)}`],
  ])('never holds up the event loop by %s, and is done in time', async (_name, source) => {
    const asked = threads.ask(html(source), within(8_000));
    // This process shares its processor; without a thread it would not turn at all.
    expect(await longestPause(asked)).toBeLessThan(500);
    expect(await asked).toMatchObject({ isDone: true });
  });

  it('does not hold up a short one', async () => {
    const done: string[] = [];
    const long = Array.from({ length: 3 }, (_, n) => threads.ask(html(`${n} ${LARGE}`), within(30_000)).then(() => done.push('long')));
    await threads.ask(html('short'), within(30_000)).then(() => done.push('short'));
    await Promise.all(long);
    expect(done[0]).toBe('short');
  });
});

describe('the clock of a thread', () => {
  const own = (): number | null => (process.platform === 'linux' ? Number(readlinkSync('/proc/thread-self').split('/').at(-1)) : null);

  it.each([
    ['as the system tells it', own],
    ['where the system tells nothing', () => null],
  ])('counts no time in which the process stands still, %s', (_name, threadId) => {
    const clock = cpuClockOf(threadId());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    expect(clock.ms()).toBeLessThan(100);
  });

  it('counts work', () => {
    const clock = cpuClockOf(own());
    while (clock.ms() < 20) JSON.parse('{"a":[1,2,3]}');
    expect(clock.ms()).toBeGreaterThanOrEqual(20);
  });
});

describe('threads that were stopped', () => {
  it('refuse what is asked, and what waits', async () => {
    const own = createThreads();
    const waiting = Array.from({ length: 5 }, (_, n) => own.ask(html(`${n} ${LARGE}`), within(30_000)));
    const refused = Promise.allSettled(waiting);
    await own.stop();
    expect((await refused).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    await expect(own.ask(html('a'), within(1_000))).rejects.toThrow('too much Markdown');
  });
});
