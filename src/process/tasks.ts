import { accountTasks } from '../domains/account/jobs.js';
import { conversationTasks } from '../domains/conversations/jobs.js';
import { notificationTasks } from '../domains/notifications/jobs.js';
import type { AnyTask } from '../jobs/task.js';
import { mutationTasks } from '../graphql/mutation-results.js';

/** Everything that a worker can do: the tasks of all domains, and what is kept of mutations. */
export const tasks: readonly AnyTask[] = [...accountTasks, ...conversationTasks, ...notificationTasks, ...mutationTasks];
