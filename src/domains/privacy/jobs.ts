import { exportTask } from './export.js';

export const privacyTasks = [exportTask];
