import { scheduledTask } from '../../jobs/task.js';
import { sealAudit } from './seals.js';

export const auditTasks = [scheduledTask('audit.seal', '* * * * *', sealAudit)];
