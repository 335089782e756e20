import { format } from 'node:util';
import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Writes one line of JSON per event to standard output. Secrets and the bodies of messages are never passed to it. */
export const createLog = (level: string): Log =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } });

const MAX_TEXTS = 200;
const MAX_TEXT = 500;

/** Says why a process ends that serves or works: to machines as a line of JSON. */
export const tellEnd = (reason: string, isForMachines: boolean): void => {
  if (isForMachines) createLog('fatal').fatal(reason);
  else process.stderr.write(`${reason}\n`);
};

/**
 * Turns everything else that would be written between the lines of the log into lines of the log: what libraries print to the console (the
 * same text once, then at debug level), Node's warnings, and errors that nobody caught, which end the process. Called once at the start, by
 * the process that owns its output.
 */
export const captureOutput = (log: Log): void => {
  const told = new Set<string>();
  const say =
    (worth: 'warn' | 'debug') =>
    (...parts: unknown[]): void => {
      const said = format(...parts)
        .replaceAll(/\s+/g, ' ')
        .trim()
        .slice(0, MAX_TEXT);
      // Texts that differ only by a number, such as that of an attempt, count as the same.
      const text = said.replaceAll(/\d+/g, '#').slice(0, 60);
      const isNew = told.size < MAX_TEXTS && !told.has(text);
      if (isNew) told.add(text);
      log[isNew ? worth : 'debug']({ said }, 'a library said on the console');
    };
  Object.assign(console, {
    error: say('warn'),
    warn: say('warn'),
    log: say('debug'),
    info: say('debug'),
    debug: say('debug'),
    trace: say('debug'),
  });
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn({ warning: name, said: message }, 'Node warns'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'an error that nobody caught');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was rejected and nobody listened'));
};
