/**
 * `npm run secrets:check` looks for keys, tokens and passwords of known forms in all files that git tracks, and fails when it finds one.
 */
import { spawnSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { runScript } from './run-script.js';
import { findSecrets } from './secrets.js';

const ROOT = resolve(import.meta.dirname, '..');

/** What git tracks here, and what it will once that is added. */
const trackedFiles = (): readonly string[] => {
  const { status, stdout, stderr } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`git cannot say which files there are: ${stderr}`);
  return stdout.split('\0').filter((file) => file !== '');
};

await runScript(async () => {
  const found: string[] = [];
  let read = 0;
  for (const file of trackedFiles()) {
    const path = join(ROOT, file);
    const isThere = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (!isThere) continue;
    read += 1;
    const secrets = await findSecrets({ file, content: await readFile(path, 'latin1'), ext: extname(file) });
    found.push(...secrets.map(({ line, message }) => `  ${file}:${line}: ${message}`));
  }
  if (found.length > 0) {
    throw new Error(
      [`There are secrets in the files:`, ...found, 'Take them out, and make them worthless: who had them may have copied them.'].join(
        '\n',
      ),
    );
  }
  console.log(`no secrets in ${read} files`);
});
