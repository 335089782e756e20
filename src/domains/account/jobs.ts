import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { sweepSessions } from './sessions.js';
import { rightsLog } from './topics.js';

/** Who follows rights does so from when they connect, so what is past is for those who look into what has happened: 30 days, in milliseconds. */
const RIGHTS_KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

export const accountTasks = [
  scheduledTask('account.sweepSessions', '17 4 * * *', sweepSessions),
  scheduledTask('account.pruneRights', '27 4 * * *', ({ db }) => pruneLog(db, rightsLog, RIGHTS_KEPT_MS)),
];
