/**
 * `npm run schema:breaking` compares schema.graphql with that of the last release, which is committed under `release/`, and fails on what
 * breaks clients: what is to go has to be deprecated for one release first.
 */
import { readFile } from 'node:fs/promises';
import { lastRelease, RELEASE_FOLDER, SCHEMA_FILE, unannouncedChanges } from './contract.js';
import { runScript } from './run-script.js';

await runScript(async () => {
  const release = await lastRelease(RELEASE_FOLDER);
  if (release === null) {
    console.log('no release yet (release/VERSION is not there): nothing to compare with');
    return;
  }
  const changes = unannouncedChanges(release.schema, await readFile(SCHEMA_FILE, 'utf8'));
  if (changes.length > 0) {
    throw new Error(
      [
        `These changes break clients of ${release.version}:`,
        ...changes.map((change) => `  - ${change}`),
        'Deprecate first, remove a release later.',
      ].join('\n'),
    );
  }
  console.log(`nothing breaks clients of ${release.version}`);
});
