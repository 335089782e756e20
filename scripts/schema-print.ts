/**
 * `npm run schema:print` writes schema.graphql, the contract, what clients want to know of it (src/client/facts.ts), and the tables of the README
 * (error codes, settings), from the code; `npm run schema:check` fails, and shows where, when they are not what the code says.
 */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { printedSchema } from '../src/process/schema.js';
import { CLIENT_FACTS_FILE, clientFacts } from './client-facts.js';
import { SCHEMA_FILE } from './contract.js';
import { withDataTable } from './data-protection-page.js';
import { withTables } from './readme-tables.js';
import { runScript } from './run-script.js';

const README = 'README.md';
const DATA_PAGE = 'docs/data-protection.md';

/** The beginning of a diff says what has been forgotten; the rest is a command away. */
const DIFF_LINES = 60;

/** What printing would change, as far as it fits a screen; empty on a machine without git. */
const diff = (printed: string): string => {
  const { error, stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--unified=2', '--', SCHEMA_FILE, '-'], {
    input: printed,
    encoding: 'utf8',
  });
  if (error) return '';
  const lines = stdout.split('\n').filter((line) => !/^(diff|index|---|\+\+\+) /.test(line));
  return [...lines.slice(0, DIFF_LINES), ...(lines.length > DIFF_LINES ? [`… ${lines.length - DIFF_LINES} more lines`] : [])].join('\n');
};

await runScript(async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const printed = printedSchema();
  if (!values.check) {
    await writeFile(SCHEMA_FILE, printed);
    await writeFile(CLIENT_FACTS_FILE, await clientFacts(printed));
    await writeFile(README, withTables(await readFile(README, 'utf8')));
    await writeFile(DATA_PAGE, withDataTable(await readFile(DATA_PAGE, 'utf8')));
    console.log('schema.graphql written');
    return;
  }
  const committed = await readFile(SCHEMA_FILE, 'utf8').catch(() => '');
  if (committed !== printed) throw new Error(`${diff(printed)}\nschema.graphql is not what the code says. Write it: npm run schema:print`);
  if ((await readFile(CLIENT_FACTS_FILE, 'utf8').catch(() => '')) !== (await clientFacts(printed)))
    throw new Error('src/client/facts.ts is not what the code says. Write it: npm run schema:print');
  console.log('schema.graphql and the code agree');
});
