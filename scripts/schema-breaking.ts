/**
 * `npm run schema:breaking` compares schema.graphql with that of the last release, the newest `v*` tag before this commit,
 * and fails on what breaks clients: what is to go has to be deprecated for one release first.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lastRelease, releasedSchema, SCHEMA_FILE, unannouncedChanges } from './contract.js';
import { runScript } from './run-script.js';

await runScript(async () => {
  const root = dirname(SCHEMA_FILE);
  const tag = lastRelease(root);
  if (tag === null) {
    console.log('no release yet (no tag v* before this commit): nothing to compare with');
    return;
  }
  const released = releasedSchema(root, tag);
  if (released === null) {
    console.log(`${tag} has no schema.graphql: nothing to compare with`);
    return;
  }
  const changes = unannouncedChanges(released, await readFile(SCHEMA_FILE, 'utf8'));
  if (changes.length > 0) {
    throw new Error(
      [`These changes break clients of ${tag}:`, ...changes.map((change) => `  - ${change}`), 'Deprecate first, remove a release later.'].join('\n'),
    );
  }
  console.log(`nothing breaks clients of ${tag}`);
});
