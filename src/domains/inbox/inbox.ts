import type { Tx } from '../../db/transact.js';
import { heads } from '../../graphql/heads.js';
import { inboxLog } from './topics.js';

/** The head of a user's inbox. */
export const inboxHead = heads(inboxLog);

/** Tells the devices of users that what is unread has changed. */
export const tellCounts = (tx: Pick<Tx, 'emit'>, userIds: Iterable<string>): void => {
  for (const userId of new Set(userIds)) tx.emit(inboxLog, userId, 'COUNTS', null);
};
