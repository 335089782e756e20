import { format } from 'node:util';
import { pino, type Logger } from 'pino';

export type Log = Logger;

/** One JSON line an event on standard output. Nothing secret and no body of a message is ever passed to it. */
export const createLog = (level: string): Log =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } });

const MAX_TEXTS = 200;
const MAX_TEXT = 500;

/**
 * Makes one line of the log of whatever else would write into the terminal between its lines: what libraries say on the console, the
 * same once and then for those who look closely, and the warnings of Node. For the process that owns its output, at its start.
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
      // What differs only by a number, such as an attempt, is the same.
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
};
