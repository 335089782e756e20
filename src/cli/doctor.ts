import type { Config } from '../config.js';
import type { Log } from '../observability/log.js';
import { examine } from './doctor/facts.js';
import { FINDINGS, findingsOf, type Found } from './doctor/findings.js';

const line = ({ id, severity, what, remedy }: Found): string => `${severity.padEnd(6)}  ${id}: ${what}\n        → ${remedy}\n`;

/**
 * `lyceum doctor`: says what is unsafe about a configuration and the system that runs with it.
 * @returns the exit code: 1 when something is unsafe; advice alone is 0
 */
export const runDoctor = async (config: Config, log: Log, { json = false }: { readonly json?: boolean }): Promise<number> => {
  const found = findingsOf(await examine(config, log));
  const unsafe = found.filter(({ severity }) => severity === 'unsafe').length;
  if (json) process.stdout.write(`${JSON.stringify({ safe: unsafe === 0, looked: FINDINGS.length, found }, null, 2)}\n`);
  else {
    for (const each of found) process.stdout.write(line(each));
    process.stdout.write(`Looked for ${FINDINGS.length} things: ${unsafe} are unsafe, ${found.length - unsafe} might be better.\n`);
  }
  return unsafe === 0 ? 0 : 1;
};
