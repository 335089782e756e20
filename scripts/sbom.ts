/** `npm run sbom` prints the bill of materials of what is shipped, in CycloneDX 1.6. */
import { bundleServer } from './packing/bundle.js';
import { readManifest, releaseOf } from './packing/pack.js';
import { assertSbom, sbomOf } from './packing/sbom.js';
import { runScript } from './run-script.js';

await runScript(async () => {
  const { packages } = await bundleServer();
  const sbom = sbomOf(releaseOf(await readManifest()), packages);
  await assertSbom(sbom);
  process.stdout.write(sbom);
});
