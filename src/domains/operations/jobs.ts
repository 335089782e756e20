import { scheduledTask } from '../../jobs/task.js';
import { sweepOperations } from './operations.js';

export const operationTasks = [scheduledTask('operations.sweep', '11 * * * *', sweepOperations)];
