import { eraseTask } from './deletion.js';
import { exportTask } from './export.js';

export const privacyTasks = [exportTask, eraseTask];
