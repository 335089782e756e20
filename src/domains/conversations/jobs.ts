import { scheduledTask } from '../../jobs/task.js';
import { endMuteTask } from './filing.js';
import { tellChangeTask, tellNewsTask } from './inboxes.js';
import { publishReadPositionTask } from './reading.js';
import { applyRetention } from './retention.js';
import { archiveEmptyRooms } from './rooms.js';

export const conversationTasks = [
  endMuteTask,
  publishReadPositionTask,
  tellChangeTask,
  tellNewsTask,
  scheduledTask('conversations.archiveEmptyRooms', '*/10 * * * *', archiveEmptyRooms),
  scheduledTask('conversations.applyRetention', '11 * * * *', applyRetention),
];
