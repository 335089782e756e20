import { pino, type Logger } from 'pino';

export type Log = Logger;

/** One JSON line an event on standard output. Nothing secret and no body of a message is ever passed to it. */
export const createLog = (level: string): Log =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } });
