import { scheduledTask } from '../../jobs/task.js';
import { renderEntryTask, renderMissing, renderMissingTask } from './entry-html.js';

export const knowledgeTasks = [
  renderEntryTask,
  renderMissingTask,
  scheduledTask('knowledge.renderOutdated', '*/10 * * * *', renderMissing),
];
