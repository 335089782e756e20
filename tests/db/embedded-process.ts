/**
 * A process that runs the embedded PostgreSQL of the folder in its first argument and prints one JSON line for what it
 * did: `{ started }` with the postmaster's port, or `{ busy }` with the owner's pid; then `{ acknowledged }` for each
 * row that was committed, until it is killed. With a second argument the PATH is that folder, which takes tools away.
 */
import { Client } from 'pg';
import { createLog } from '../../src/observability/log.js';
import { EmbeddedPostgresBusy, startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';

const [, , dataDir = '', path] = process.argv;
if (path !== undefined) process.env['PATH'] = path;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent') });
  const client = new Client({ ...postgres.address });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS note (n int PRIMARY KEY)');
  say({ started: postgres.address.port });
  for (let n = 1; ; n += 1) {
    await client.query('INSERT INTO note VALUES ($1)', [n]);
    say({ acknowledged: n });
  }
} catch (error) {
  if (!(error instanceof EmbeddedPostgresBusy)) throw error;
  say({ busy: error.pid });
}
