import { scheduledTask } from '../../jobs/task.js';
import { tellReadingTask } from './reading.js';
import { applyRetention } from './retention.js';
import { archiveEmptyRooms } from './rooms.js';

export const conversationTasks = [
  tellReadingTask,
  scheduledTask('conversations.archiveEmptyRooms', '*/10 * * * *', archiveEmptyRooms),
  scheduledTask('conversations.applyRetention', '11 * * * *', applyRetention),
];
