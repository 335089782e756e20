import { scheduledTask } from '../../jobs/task.js';
import { publishReadPositionTask } from './reading.js';
import { applyRetention } from './retention.js';
import { archiveEmptyRooms } from './rooms.js';

export const conversationTasks = [
  publishReadPositionTask,
  scheduledTask('conversations.archiveEmptyRooms', '*/10 * * * *', archiveEmptyRooms),
  scheduledTask('conversations.applyRetention', '11 * * * *', applyRetention),
];
