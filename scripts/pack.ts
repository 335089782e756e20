/**
 * `npm run pack` makes of the repository what is put on a server: a folder and a tar.gz under dist-pack/, for the system it is run on, which start
 * with Node alone.
 */
import { spawnSync } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './packing/bundle.js';
import { pack, readManifest } from './packing/pack.js';
import { filesBelow } from './packing/shipped.js';
import { runScript } from './run-script.js';

const MEGABYTE = 1_000_000;

await runScript(async () => {
  const { name, version } = await readManifest();
  const target = join(ROOT, 'dist-pack');
  const folder = `${name}-${version}`;
  const archive = `${folder}-${process.platform}-${process.arch}.tar.gz`;
  await pack(join(target, folder));
  await rm(join(target, archive), { force: true });
  const { status, stderr } = spawnSync('tar', ['-czf', archive, folder], { cwd: target, encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar could not make ${archive}: ${stderr}`);
  const files = await filesBelow(join(target, folder));
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(target, folder, file))).size));
  const unpacked = sizes.reduce((sum, size) => sum + size, 0);
  const { size } = await stat(join(target, archive));
  console.log(
    `dist-pack/${archive}: ${(size / MEGABYTE).toFixed(1)} MB, unpacked ${files.length} files, ${(unpacked / MEGABYTE).toFixed(1)} MB`,
  );
});
