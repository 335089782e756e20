import { startApp } from './app.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { createLog } from './log.js';
import { seedDemoData } from './seed.js';
import { welcome } from './welcome.js';

const main = async (): Promise<void> => {
  let config: Config;
  try {
    config = loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78); // EX_CONFIG of sysexits.h
  }
  const log = createLog(config.logLevel);
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was rejected and nobody listened'));
  const fatal = (reason: string): never => {
    log.fatal({ reason }, 'the embedded database has ended');
    process.exit(1);
  };
  const app = await startApp(config, { log, onFatal: fatal, ...(config.demoData ? { seed: seedDemoData } : {}) });

  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return void process.exit(130);
    stopping = true;
    log.info({ signal }, 'stopping');
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error instanceof Error ? error : String(error) }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.stdout.write(welcome(app.url, config));
};

main().catch((error: unknown) => {
  process.stderr.write(`Lyceum could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
