/**
 * `npm run release:cut -- 0.2.0` makes the present contract that of a release: writes `release/schema.graphql` and `release/VERSION`, and the
 * version into package.json. Commit what it has written. CHANGELOG.md must have a section for the version, and nothing may be uncommitted,
 * so that the commit in `release/VERSION` holds what is released.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { cutRelease, hasSection, lastRelease, RELEASE_FOLDER, SCHEMA_FILE, unannouncedChanges } from './contract.js';
import { runScript } from './run-script.js';

const root = dirname(SCHEMA_FILE);

const run = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
};

await runScript(async () => {
  const [version = ''] = parseArgs({ allowPositionals: true }).positionals;
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('Which version? npm run release:cut -- 0.2.0');
  if (run('git', 'status', '--porcelain') !== '') throw new Error('Commit everything first: a release is the contract of one commit.');
  if (!hasSection(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version))
    throw new Error(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD".`);
  const schema = await readFile(SCHEMA_FILE, 'utf8');
  const before = await lastRelease(RELEASE_FOLDER);
  const changes = before === null ? [] : unannouncedChanges(before.schema, schema);
  if (changes.length > 0)
    throw new Error(
      [`${version} would break clients of ${before?.version ?? ''}:`, ...changes.map((change) => `  - ${change}`)].join('\n'),
    );
  await cutRelease(RELEASE_FOLDER, { version, commit: run('git', 'rev-parse', 'HEAD'), schema });
  run('npm', 'version', version, '--no-git-tag-version', '--allow-same-version');
  console.log(`${version} is cut; commit release/, package.json and package-lock.json`);
});
