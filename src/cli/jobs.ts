import { once } from 'node:events';
import { startWorker } from '../jobs/worker.js';
import type { OpenServices } from '../process/services.js';
import { tasks } from '../process/tasks.js';

/** How long running jobs have to finish once a stop was asked for, in milliseconds. */
const STOP_GRACE_MS = 20_000;
/** What a process that does nothing else runs at a time, where the servers beside it are told to run none. */
const CONCURRENCY = 10;

/** Works on jobs, and on nothing else, until SIGTERM or Ctrl-C; a second one ends it at once. */
export const runJobs = async (services: OpenServices): Promise<void> => {
  const concurrency = services.config.jobs.concurrency || CONCURRENCY;
  const worker = startWorker({ target: services.target, services, tasks, concurrency });
  if (services.config.env === 'production') services.log.info({ concurrency }, 'working on jobs');
  else process.stdout.write(`Working on up to ${concurrency} jobs at a time.\n`);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));
  await worker.stop(STOP_GRACE_MS);
};
