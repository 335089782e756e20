import cluster from 'node:cluster';
import type { Services } from './context.js';
import { inviteFirstAdministrator } from './domains/account/invitations.js';
import { AUDIT_REMEDY, auditProtection } from './domains/audit/protection.js';
import { startApp } from './process/app.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { captureOutput, createLog, tellEnd, type Log } from './observability/log.js';
import { seedDemoData } from './demo/seed.js';
import { welcome } from './process/welcome.js';
import { startAsWorker, startWorkers } from './process/workers.js';

/** How long a stop may take once everything that was open has been told to go, in milliseconds. */
const STOP_TIMEOUT_MS = 15_000;
/** How much longer the parent of workers waits for them. */
const WORKERS_GRACE_MS = 2_000;

/** In production all output is lines of JSON, also before there is a configuration that could say so. */
const isForMachines = process.env['NODE_ENV'] === 'production';

/** Says what a server in production keeps to itself, and what it should not have. */
const tellSwitches = ({ graphiql, schema, demoData, publicUrl }: Config, log: Log): void => {
  const off = Object.entries({ GRAPHIQL: graphiql, INTROSPECTION: schema.introspection, SUGGESTIONS: schema.suggestions })
    .filter(([, isOn]) => !isOn)
    .map(([name]) => name);
  if (off.length > 0) log.info({ off }, 'switched off, as is usual in production; each is a setting');
  if (!isForCookies(new URL(publicUrl)))
    log.warn(
      { publicUrl },
      'PUBLIC_URL has no TLS: browsers keep no cookie of a session there, and the web client keeps refresh tokens where scripts can read them',
    );
  if (demoData) log.warn('DEMO_DATA is set: anybody can sign in as an administrator, whose password is known');
};

/** Whether browsers keep cookies that travel by TLS alone: also without it, of their own machine. */
const isForCookies = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);

/** Says what an operator should know of who could change the audit. */
const tellAuditProtection = async ({ db, log }: Services): Promise<void> => {
  const { by, reason } = await auditProtection(db);
  if (by === 'ROLE') return;
  const kept =
    by === 'TRIGGER' ? 'the audit is protected by a trigger alone' : 'nothing protects the audit: its trigger is missing or disabled';
  log.warn({ reason }, `${kept}; ${AUDIT_REMEDY}`);
};

const main = async (): Promise<void> => {
  let config: Config;
  try {
    config = loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    tellEnd(error.message, isForMachines);
    process.exit(78); // EX_CONFIG of sysexits.h
  }
  const role = cluster.isWorker ? 'worker' : config.workers > 1 ? 'parent' : 'alone';
  const log = role === 'worker' ? createLog(config.logLevel).child({ pid: process.pid }) : createLog(config.logLevel);
  captureOutput(log);
  const onFatal = (reason: string): never => {
    log.fatal({ reason }, 'the embedded database has ended');
    process.exit(1);
  };
  const first: { link: string | null } = { link: null };
  const seed = async (services: Services): Promise<void> => {
    if (config.demoData) await seedDemoData(services);
    first.link = await inviteFirstAdministrator(services);
    await tellAuditProtection(services);
  };
  const options = { log, onFatal, seed };
  const stopTimeoutMs = config.drainMs + STOP_TIMEOUT_MS;

  let stopping = false;
  let stopApp: (() => Promise<void>) | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping || stopApp === null) {
      // A worker gets Ctrl-C from the terminal as well as the stop from its parent: only the parent may end at once at the second one.
      if (stopping && role === 'worker') return;
      process.exit(130);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    const late = (): never => {
      log.error('the stop took too long');
      process.exit(1);
    };
    setTimeout(late, stopTimeoutMs + (role === 'parent' ? 2 * WORKERS_GRACE_MS : 0));
    stopApp().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error instanceof Error ? error : String(error) }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  const app =
    role === 'worker'
      ? await startAsWorker(config, log)
      : role === 'parent'
        ? await startWorkers(config, { ...options, stopTimeoutMs: stopTimeoutMs + WORKERS_GRACE_MS })
        : await startApp(config, options);
  stopApp = app.stop;
  // At any log level: somebody who starts a server waits for this line.
  if (role !== 'worker' && isForMachines) {
    createLog('info').info({ url: app.url, pid: process.pid }, 'Lyceum is ready');
    tellSwitches(config, log);
    if (first.link !== null)
      createLog('info').info(first, 'there are no users yet: the first administrator makes their account here, once');
  } else if (role !== 'worker') process.stdout.write(welcome(app.url, config, first.link));
};

main().catch((error: unknown) => {
  tellEnd(`Lyceum could not start: ${error instanceof Error ? error.message : String(error)}`, isForMachines);
  process.exit(1);
});
