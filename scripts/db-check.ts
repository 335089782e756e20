/**
 * `npm run db:check` fails, and prints the SQL that is missing, when `prisma/migrations` does not lead to
 * `prisma/schema`.
 */
import { createLog } from '../src/observability/log.js';
import { runScript } from './run-script.js';
import { diffSchema, MIGRATIONS_FOLDER, SCHEMA_FOLDER } from './schema-engine.js';

await runScript(async () => {
  const sql = await diffSchema(SCHEMA_FOLDER, MIGRATIONS_FOLDER, createLog('warn'));
  if (sql === null) {
    console.log('migrations and schema agree');
    return;
  }
  const advice = 'The migrations do not lead to prisma/schema: this is missing. Write: npm run db:diff -- --name add_x';
  throw new Error(`${sql}\n${advice}`);
});
