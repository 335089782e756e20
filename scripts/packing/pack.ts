import { chmod, copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeLinks } from '../../src/db/embedded/binaries.js';
import { bundleServer, copiedFiles, POSTGRES, ROOT, type Bundle } from './bundle.js';
import { licenceFaults } from './licences.js';
import { noticesOf } from './notices.js';
import { assertSbom, sbomOf, type Release } from './sbom.js';
import { filesBelow } from './shipped.js';

const manifestShape = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
  engines: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});
type Manifest = z.infer<typeof manifestShape>;

export const readManifest = async (): Promise<Manifest> =>
  manifestShape.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));

export const releaseOf = ({ name, version, license, dependencies }: Manifest): Release => ({
  name,
  version,
  licence: license,
  dependencies: Object.keys(dependencies),
});

/** @throws when something may not be shipped */
export const assertLicences = ({ packages }: Bundle): void => {
  const faults = licenceFaults(packages);
  if (faults.length === 0) return;
  const remedy = 'Do without, or decide in EXCEPTIONS of scripts/packing/licences.ts, with the reason.';
  throw new Error(['These packages may not be shipped:', ...faults.map((fault) => `  ${fault}`), remedy].join('\n'));
};

/** What `npm` needs to know of the packed server: how it is started, with the words of the repository. */
const packedManifest = ({ name, version, description, license, engines }: Manifest): string =>
  `${JSON.stringify(
    {
      name,
      version,
      private: true,
      description,
      license,
      type: 'module',
      engines,
      scripts: { start: 'node dist/main.js', lyceum: 'node dist/cli/main.js', 'db:migrate': 'node dist/cli/main.js db migrate' },
    },
    null,
    2,
  )}\n`;

/** Of the built web client what is served, and the addresses that it knows. */
const isServed = (file: string): boolean => !file.startsWith('.vite/') || file === '.vite/places.json';

/** Our own files that are read while the server runs. */
const ownFiles = async (): Promise<readonly string[]> => {
  const below = async (folder: string): Promise<readonly string[]> =>
    (await filesBelow(join(ROOT, folder))).map((file) => `${folder}/${file}`);
  const web = (await below('dist/web')).filter((file) => isServed(file.slice('dist/web/'.length)));
  return ['LICENSE', ...web, ...(await below('prisma/migrations')), ...(await below('prisma/seed'))];
};

const put = async (folder: string, file: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), content);
};

const copy = async (from: string, folder: string, file: string): Promise<void> => {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await copyFile(from, join(folder, file));
  await chmod(join(folder, file), (await stat(from)).mode);
};

/** Makes a folder of what runs, and of nothing else. */
export const pack = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  const manifest = await readManifest();
  const bundle = await bundleServer();
  assertLicences(bundle);
  const sbom = sbomOf(releaseOf(manifest), bundle.packages);
  await assertSbom(sbom);

  for (const [file, content] of bundle.files) await put(folder, file, content);
  for (const file of await ownFiles()) await copy(join(ROOT, file), folder, file);
  for (const file of await copiedFiles()) await copy(join(ROOT, 'node_modules', file), folder, `node_modules/${file}`);
  // Else the first start would, and might not be allowed to.
  await makeLinks(join(folder, 'node_modules', POSTGRES, 'native'));
  await put(folder, 'package.json', packedManifest(manifest));
  await put(folder, 'sbom.cdx.json', sbom);
  await put(folder, 'THIRD-PARTY-NOTICES', noticesOf(bundle.packages));
};
