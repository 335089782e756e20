import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';

let folder: string;
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the command line as a process of its own, on the embedded database of a folder. */
const lyceum = async (...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> => {
  const env = { PATH: process.env['PATH'] ?? '', NODE_ENV: 'development', DATA_DIR: join(folder, 'data') };
  return await promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], { env, timeout: 180_000 });
};

test('the first command in an empty folder imports, and the next one finds what it has made', async () => {
  folder = await mkdtemp(join(tmpdir(), 'lyceum-cli-'));
  const notes = join(folder, 'notes');
  await mkdir(notes);
  await writeFile(join(notes, 'a.md'), '# First notes\n\n[[b]]');
  await writeFile(join(notes, 'b.md'), '---\ndraft: true\n---\n# Second notes\n');
  const first = await lyceum('import', notes);
  expect(first.stdout).toBe('2 created (by admin), 0 updated, 0 unchanged, 0 could not be imported.\n');
  expect(first.stderr).toContain('b.md: is private: its author has kept it back (draft: true)\n');
  expect((await lyceum('import', notes)).stdout).toBe('0 created (by admin), 0 updated, 2 unchanged, 0 could not be imported.\n');
});
