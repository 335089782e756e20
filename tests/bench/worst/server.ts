/** Lyceum as it is built, which tells what a request has cost it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type * as AppModule from '../../../src/process/app.js';
import type * as ConfigModule from '../../../src/config.js';
import { serve } from '../child.js';
import { cpuMs } from '../servers/contender.js';

const built = async <Module>(path: string): Promise<Module> =>
  (await import(new URL(`../../../dist/${path}`, import.meta.url).href)) as Module;
const { startApp } = await built<typeof AppModule>('process/app.js');
const { loadConfig } = await built<typeof ConfigModule>('config.js');

const app = await startApp(loadConfig(process.env));
const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();

const handlers = {
  url: (): string => app.url,
  /** CPU so far, and the longest time since the last call for which nobody was listened to, both in milliseconds. */
  used: (): { readonly cpuMs: number; readonly longestMs: number } => {
    const longestMs = delay.max / 1e6;
    delay.reset();
    return { cpuMs: cpuMs(), longestMs };
  },
};

export type MeasuredServer = typeof handlers;
serve(handlers);
