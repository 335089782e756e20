import { scheduledTask } from '../../jobs/task.js';
import { pruneLog } from '../../realtime/log-retention.js';
import { alertMail, mailAlerts } from './alert-mails.js';
import { deleteOldApiKeys } from './api-keys.js';
import { deleteOldGuesses, lookForGuessing } from './guesses.js';
import { deleteOldInvitations } from './invitations.js';
import { deleteOldLinks } from './links.js';
import { accountMails } from './mails.js';
import { deleteOldAttempts } from './oidc-attempts.js';
import { deleteSpentTokens } from './moment-tokens.js';
import { deleteOldSessions, forgetOldAddresses } from './sessions.js';
import { rightsLog } from './topics.js';

/**
 * How long events of rights are kept, in milliseconds: 30 days. Subscribers start from the moment of their connection, so older events
 * serve only the investigation of incidents.
 */
const RIGHTS_KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

export const accountTasks = [
  ...accountMails,
  alertMail,
  scheduledTask('account.mailAlerts', '* * * * *', mailAlerts),
  scheduledTask('account.lookForGuessing', '*/5 * * * *', lookForGuessing),
  scheduledTask('account.sweepLinks', '7 4 * * *', async (services) => {
    await deleteOldLinks(services);
    await deleteOldInvitations(services);
    await deleteSpentTokens(services);
  }),
  scheduledTask('account.sweepOidc', '47 * * * *', deleteOldAttempts),
  scheduledTask('account.sweepGuesses', '37 * * * *', deleteOldGuesses),
  scheduledTask('account.sweepSessions', '17 4 * * *', async (services) => {
    await deleteOldSessions(services);
    await forgetOldAddresses(services);
    await deleteOldApiKeys(services);
  }),
  scheduledTask('account.pruneRights', '27 4 * * *', ({ db }) => pruneLog(db, rightsLog, RIGHTS_KEPT_MS)),
];
