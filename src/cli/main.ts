import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { rotateMasterKey } from '../jobs/encrypted-rows.js';
import { rotateSigningKey } from '../access/signing-keys.js';
import { ConfigError, loadConfig } from '../config.js';
import { Role } from '../db/generated/prisma/client.js';
import { seedDemoData } from '../demo/seed.js';
import { setRole } from '../domains/admin/roles.js';
import { captureOutput, createLog, tellEnd } from '../observability/log.js';
import { closeAll, openServices, type Closers, type OpenServices } from '../process/services.js';
import { runAuditVerify } from './audit.js';
import { runDoctor } from './doctor.js';
import { runImport } from './import.js';
import { runJobs } from './jobs.js';

/**
 * What an operator does without a token. Works with the database that a server with the same environment uses, whether one runs or
 * not, and brings it to the newest migration first, as every start does.
 */
const withServices = async <Result>(work: (services: OpenServices) => Promise<Result>, open = openAttached): Promise<Result> => {
  const closers: Closers = [];
  try {
    return await work(await open(closers));
  } finally {
    await closeAll(closers);
  }
};

const openAttached = (closers: Closers): Promise<OpenServices> => openServices(loadConfig(process.env), closers, { attachToRunning: true });

/** The same for a process that stays, and whose output is a log like that of a server. */
const openLogged = (closers: Closers): Promise<OpenServices> => {
  const config = loadConfig(process.env);
  const log = createLog(config.logLevel);
  captureOutput(log);
  return openServices(config, closers, { attachToRunning: true, log });
};

/** Ends the process upon an error, and says why. */
const endBy =
  (tell: (reason: string) => void) =>
  (error: unknown): never => {
    tell(error instanceof Error ? error.message : String(error));
    process.exit(error instanceof ConfigError ? 78 : 1);
  };

/** A role, written in any case. */
const roleOf = (given: string): Role => {
  const role = Object.values(Role).find((each) => each === given.toUpperCase());
  if (role === undefined) throw new InvalidArgumentError(`Allowed choices are ${Object.values(Role).join(', ')}.`);
  return role;
};

const program = new Command('lyceum').description("Operates a Lyceum server's database.").showHelpAfterError();

program
  .command('import')
  .description('makes knowledge entries of a folder of Markdown files; run again, it updates those that have changed')
  .argument('<folder>', 'the folder, with all its subfolders')
  .option('--author <username>', 'whose entries they become (default: the first administrator)')
  .action(async (folder: string, options: { author?: string }) => {
    // npm runs its scripts in the project's folder; INIT_CWD is where it was called.
    process.exitCode = await withServices(async (services) => {
      // As the first start of a server does: entries are somebody's.
      if (services.config.demoData) await seedDemoData(services);
      return await runImport(services, resolve(process.env['INIT_CWD'] ?? '.', folder), options);
    });
  });

program
  .command('jobs')
  .description('works on jobs until it is stopped, for servers that run with JOB_CONCURRENCY=0')
  .action(async () => {
    // As main.ts has it: also before there is a configuration.
    const isForMachines = process.env['NODE_ENV'] === 'production';
    await withServices(runJobs, openLogged).catch(endBy((reason) => tellEnd(reason, isForMachines)));
  });

program
  .command('user')
  .description('manages users')
  .command('role')
  .description('gives a user a role')
  .argument('<username>', 'whatever the case')
  .addArgument(program.createArgument('<role>', `one of ${Object.values(Role).join(', ')}`).argParser(roleOf))
  .action(async (username: string, role: Role) => {
    await withServices(({ db }) => setRole(db, username, role));
    process.stdout.write(`${username} has the role ${role} now.\n`);
  });

const keys = program.command('keys').description('looks after the keys of the server');
keys
  .command('rotate')
  .description('replaces the key that signs access tokens, with an overlap: nobody is signed out')
  .action(async () => {
    const signsFrom = await withServices(rotateSigningKey);
    process.stdout.write(
      `The new key is published now and signs from ${signsFrom.toISOString()} on. The one before verifies for a day more.\n`,
    );
  });
keys
  .command('rotate-master')
  .description('replaces the master key that is in the database: what is encrypted is encrypted anew by a job')
  .action(async () => {
    await withServices(rotateMasterKey);
    process.stdout.write('A new master key is in use. Jobs encrypt anew what is under the one before, which is forgotten after a day.\n');
  });

program
  .command('audit')
  .description('looks after the audit')
  .command('verify')
  .description('checks that nothing of the audit was changed, removed or cut off; the exit code is 1 when something was')
  .option('--head <head>', 'an `auditHead` of an earlier line of the log: without it, what was cut off at the end is not found')
  .action(async ({ head = null }: { head?: string | null }) => {
    process.exitCode = await withServices((services) => runAuditVerify(services, head));
  });

program
  .command('doctor')
  .description(
    'says what is unsafe about the configuration and the running system, and what to change; it changes nothing itself. The exit code is 1 when something is',
  )
  .option('--json', 'for machines')
  .action(async (options: { json?: boolean }) => {
    const config = loadConfig(process.env);
    process.exitCode = await runDoctor(config, createLog('silent'), options);
  });

program
  .command('db')
  .description('manages the database')
  .command('migrate')
  .description('applies the migrations that are pending, as every start of the server does')
  .action(async () => {
    await withServices(async () => undefined);
    process.stdout.write('The database is up to date.\n');
  });

program.parseAsync().catch(endBy((reason) => void process.stderr.write(`${reason}\n`)));
