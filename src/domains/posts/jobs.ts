import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { tellFollowersTask } from './feed-events.js';
import { feedLog } from './topics.js';

/** How long a client may be away and still resume its feed, in milliseconds: 7 days. The feed itself is read from the posts. */
const EVENTS_KEPT_MS = 7 * 24 * 60 * 60 * 1_000;

export const postTasks = [
  tellFollowersTask,
  scheduledTask('posts.pruneFeedEvents', '53 4 * * *', ({ db }) => pruneLog(db, feedLog, EVENTS_KEPT_MS)),
];
