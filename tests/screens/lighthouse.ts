/**
 * `npm run lighthouse`: what Lighthouse says of the vault, a reading page and a room, as a phone sees them: accessibility and best practices, and
 * performance as the median of five rounds beside that of an empty page of the same server. `--rounds=n` takes another number. Writes `docs/lighthouse.md`.
 *
 * Lighthouse comes by npx, in the version below: it is 200 packages and 190 MB, which each `npm ci` would pay for.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { median } from '../bench/figures.js';
import { findChromium } from '../kit/browser.js';
import { freePort } from '../kit/free-port.js';
import { signedIn } from '../web/signed-in.js';
import { startStage } from './stage.js';

const LIGHTHOUSE = 'lighthouse@12.8.2';
const ROUNDS = Number(/--rounds=(\d+)/.exec(process.argv.join(' '))?.[1] ?? 5);
const CATEGORIES = ['performance', 'accessibility', 'best-practices'] as const;
type Category = (typeof CATEGORIES)[number];

const executablePath = findChromium();
if (executablePath === null) throw new Error('Lighthouse needs a Chromium: install one, or set CHROMIUM_PATH.');

interface Report {
  readonly categories: Readonly<Record<Category, { readonly score: number; readonly auditRefs: readonly { readonly id: string }[] }>>;
  readonly audits: Readonly<Record<string, { readonly score: number | null; readonly numericValue?: number; readonly title: string }>>;
}

const folder = await mkdtemp(join(tmpdir(), 'lyceum-lighthouse-'));
// The server reads its pages when it starts.
const empty = fileURLToPath(new URL('../../dist/web/empty.html', import.meta.url));
await writeFile(
  empty,
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="description" content="Nothing"><link rel="icon" href="/icon.svg"><title>Empty</title></head><body><main><h1>Empty</h1></main></body></html>',
);
const stage = await startStage({ JWT_ACCESS_TTL_SECONDS: '86400' }).finally(() => rm(empty));
const { origin } = new URL(stage.app.url);
const port = await freePort();
const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--remote-debugging-port=${port}`],
});

const run = async (path: string): Promise<Report> => {
  const output = join(folder, 'report.json');
  await promisify(execFile)('npx', [
    ...['--yes', LIGHTHOUSE, new URL(path, origin).href, `--port=${port}`, '--output=json', `--output-path=${output}`, '--quiet'],
    ...[`--only-categories=${CATEGORIES.join(',')}`, '--disable-storage-reset'],
  ]);
  return JSON.parse(await readFile(output, 'utf8')) as Report;
};

const score = ({ categories }: Report, category: Category): number => Math.round(categories[category].score * 100);
const seconds = ({ audits }: Report, audit: string): number => (audits[audit]?.numericValue ?? Number.NaN) / 1_000;
/** What cost points beside performance. */
const faults = ({ categories, audits }: Report): string[] =>
  (['accessibility', 'best-practices'] as const).flatMap((category) =>
    categories[category].auditRefs.flatMap(({ id }) => {
      const audit = audits[id];
      return audit === undefined || audit.score === null || audit.score >= 0.9 ? [] : [audit.title];
    }),
  );

try {
  const page = await context.newPage();
  const signIn = async (): Promise<void> => {
    await page.goto(new URL('/empty.html', origin).href);
    const [kept] = (signedIn(origin, stage.ada).storageState as { origins: { localStorage: { name: string; value: string }[] }[] }).origins;
    for (const { name, value } of kept?.localStorage ?? [])
      await page.evaluate(([key, text]) => localStorage.setItem(key, text), [name, value] as const);
  };
  const pages = [
    ['An empty page', '/empty.html'],
    ['Vault', '/vault'],
    ['Reading page', stage.places.entry],
    ['Room', stage.places.group],
  ] as const;
  const rows: string[] = [];
  for (const [name, path] of pages) {
    if (path === stage.places.group) await signIn();
    await page.goto('about:blank');
    const reports: Report[] = [];
    for (let round = 0; round < ROUNDS; round += 1) reports.push(await run(path));
    const middle = (value: (report: Report) => number): number => median(reports.map(value));
    const least = (category: Category): number => Math.min(...reports.map((report) => score(report, category)));
    const found = [...new Set(reports.flatMap(faults))];
    const row = [
      name,
      middle((report) => score(report, 'performance')),
      ...(['first-contentful-paint', 'largest-contentful-paint'] as const).map((audit) =>
        middle((report) => seconds(report, audit)).toFixed(2),
      ),
      Math.round(middle((report) => seconds(report, 'total-blocking-time') * 1_000)),
      middle((report) => report.audits['cumulative-layout-shift']?.numericValue ?? Number.NaN).toFixed(3),
      least('accessibility'),
      least('best-practices'),
      found.length === 0 ? '–' : found.join('; '),
    ];
    rows.push(`| ${row.join(' | ')} |`);
    console.log(row.join('  '));
  }
  const text = `# What Lighthouse says

\`npm run lighthouse\` writes this: ${LIGHTHOUSE}, as a phone with its slowed network and CPU, ${ROUNDS} rounds a page. Performance, paints and blocking are medians, and
depend on the machine: they are to be read beside those of the empty page, which the same server serves in the same run. Accessibility and best practices are the
least of all rounds.

| page | performance | first paint, s | largest paint, s | blocked, ms | layout shift | accessibility | best practices | what cost points |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
  await writeFile(fileURLToPath(new URL('../../docs/lighthouse.md', import.meta.url)), text);
} finally {
  await context.close();
  await stage.stop();
  await rm(folder, { recursive: true, force: true });
}
