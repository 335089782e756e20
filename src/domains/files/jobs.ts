import { scheduledTask } from '../../jobs/task.js';
import { removeEndedFiles } from './files.js';

export const fileTasks = [scheduledTask('files.removeEnded', '*/10 * * * *', removeEndedFiles)];
