import { accountTasks } from './domains/account/jobs.js';
import { conversationTasks } from './domains/conversations/jobs.js';
import { notificationTasks } from './domains/notifications/jobs.js';
import type { AnyTask } from './jobs/task.js';

/** Everything that a worker can do: the tasks of all domains. */
export const tasks: readonly AnyTask[] = [...accountTasks, ...conversationTasks, ...notificationTasks];
