import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../bench/figures.js';
import type { Cluster } from './cluster.js';
import type { Finding, Ledger } from './ledger.js';
import type { Timeline } from './timeline.js';

/** Findings of one kind that are shown; all are in the file. */
const SHOWN = 12;

const logLines = (output: string): string[] => output.split('\n').filter((line) => /"level":"?(warn|error|fatal|40|50|60)/.test(line));

/** Prints what happened and what does not agree, and keeps all of it, with the servers' logs, under `.artifacts/`. */
export const report = async (
  seed: number,
  { ledger, timeline, cluster }: { readonly ledger: Ledger; readonly timeline: Timeline; readonly cluster: Cluster },
): Promise<void> => {
  const { acknowledged, delivered, readers } = ledger.counts();
  const findings = ledger.findings();
  const faults = timeline.faults().map(({ name, from, to }) => ({ name, from: Math.round(from), to: Math.round(to) }));
  const lines = cluster.servers.map(({ name, output }) => ({ name, output: output(), warnings: logLines(output()).length }));
  console.log(
    `\n${table([
      [`chaos with seed ${seed}`, ''],
      ['faults', String(faults.length)],
      ['writes acknowledged', String(acknowledged)],
      ['logs followed, by all readers together', String(readers)],
      ['events delivered', String(delivered)],
      ['warnings and errors in the logs', String(lines.reduce((sum, { warnings }) => sum + warnings, 0))],
      ...(['lost', 'missed', 'twice', 'disorder', 'phantom', 'answer', 'process'] as const).map((kind) => [
        kind,
        String(findings.filter((finding) => finding.kind === kind).length),
      ]),
    ])}`,
  );
  for (const [kind, found] of groups(findings)) {
    console.log(`\n${kind}:`);
    for (const { text } of found.slice(0, SHOWN)) console.log(`  ${text}`);
    if (found.length > SHOWN) console.log(`  … and ${found.length - SHOWN} more`);
  }
  const folder = fileURLToPath(new URL(`../../.artifacts/chaos-${seed}/`, import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'report.json'),
    `${JSON.stringify({ seed, at: new Date().toISOString(), acknowledged, delivered, faults, findings }, null, 2)}\n`,
  );
  for (const { name, output } of lines) await writeFile(join(folder, `${name.replace(' ', '-')}.log`), output);
  console.log(`\nAll of it: ${folder}`);
};

const groups = (findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> => {
  const byKind = new Map<string, Finding[]>();
  for (const finding of findings) byKind.set(finding.kind, [...(byKind.get(finding.kind) ?? []), finding]);
  return byKind;
};
