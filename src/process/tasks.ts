import { encryptAgain } from '../jobs/encrypted-rows.js';
import { DERIVATION_SECRET_ROWS } from '../access/derived-keys.js';
import { forgetSigningKeys, SIGNING_KEY_ROWS } from '../access/signing-keys.js';
import { accountTasks } from '../domains/account/jobs.js';
import { TOTP_SEED_ROWS } from '../domains/account/second-factor.js';
import { auditTasks } from '../domains/audit/jobs.js';
import { adminTasks } from '../domains/admin/jobs.js';
import { conversationTasks } from '../domains/conversations/jobs.js';
import { fileTasks } from '../domains/files/jobs.js';
import { inboxTasks } from '../domains/inbox/jobs.js';
import { knowledgeTasks } from '../domains/knowledge/jobs.js';
import { notificationTasks } from '../domains/notifications/jobs.js';
import { operationTasks } from '../domains/operations/jobs.js';
import { postTasks } from '../domains/posts/jobs.js';
import { privacyTasks } from '../domains/privacy/jobs.js';
import { scheduledTask, type AnyTask } from '../jobs/task.js';
import { mutationTasks } from '../graphql/mutation-results.js';

/** All tasks that a worker can run: those of the domains, the removal of old results of mutations, and what follows a new master key. */
export const tasks: readonly AnyTask[] = [
  ...accountTasks,
  ...adminTasks,
  ...auditTasks,
  ...conversationTasks,
  ...fileTasks,
  ...inboxTasks,
  ...knowledgeTasks,
  ...notificationTasks,
  ...operationTasks,
  ...postTasks,
  ...privacyTasks,
  ...mutationTasks,
  scheduledTask('keys.forgetSigningKeys', '57 * * * *', forgetSigningKeys),
  encryptAgain([SIGNING_KEY_ROWS, DERIVATION_SECRET_ROWS, TOTP_SEED_ROWS]),
];
