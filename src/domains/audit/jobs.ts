import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { sealAudit, watchAudit } from './seals.js';
import { securityLog } from './topics.js';

export const auditTasks = [
  scheduledTask('audit.seal', '* * * * *', sealAudit),
  scheduledTask('audit.verify', '57 3 * * *', watchAudit),
  scheduledTask('audit.pruneAlerts', '7 3 * * *', ({ db, config }) => pruneLog(db, securityLog, config.retention.alertMs)),
];
