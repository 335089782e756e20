/** `npm run licences:check` fails when something would be shipped whose licence is unknown or not permissive. */
import { bundleServer } from './packing/bundle.js';
import { assertLicences } from './packing/pack.js';
import { runScript } from './run-script.js';

await runScript(async () => {
  const bundle = await bundleServer();
  assertLicences(bundle);
  console.log(`the licences of all ${bundle.packages.length} packages that are shipped are permissive`);
});
