import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { sealAudit, watchAudit } from './seals.js';
import { securityLog } from './topics.js';

/** How long alerts are kept, in milliseconds: a year. */
const ALERTS_KEPT_MS = 365 * 24 * 60 * 60 * 1_000;

export const auditTasks = [
  scheduledTask('audit.seal', '* * * * *', sealAudit),
  scheduledTask('audit.verify', '57 3 * * *', watchAudit),
  scheduledTask('audit.pruneAlerts', '7 3 * * *', ({ db }) => pruneLog(db, securityLog, ALERTS_KEPT_MS)),
];
