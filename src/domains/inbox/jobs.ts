import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { inboxLog } from './topics.js';

/** How long a client may be away and still resume its inbox, in milliseconds: 30 days. What it lists is kept, and is read anew after that. */
const EVENTS_KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

export const inboxTasks = [scheduledTask('inbox.pruneEvents', '23 4 * * *', ({ db }) => pruneLog(db, inboxLog, EVENTS_KEPT_MS))];
