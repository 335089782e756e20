import { contextFor, type Context, type Services } from '../../context.js';
import { defineTask, type Task } from '../../jobs/task.js';
import { viewerOf } from '../../access/viewer.js';
import { eraseResults } from '../../graphql/personal.js';
import { assertOwner, closeAccount, removeAccount } from '../account/personal.js';
import { eraseBlocks } from '../blocks/personal.js';
import { eraseConversations } from '../conversations/personal.js';
import { eraseFiles } from '../files/personal.js';
import { eraseFollows } from '../follows/personal.js';
import { eraseEntries } from '../knowledge/personal.js';
import { eraseLikes } from '../likes/personal.js';
import { eraseNotifications } from '../notifications/personal.js';
import { eraseOperations } from '../operations/personal.js';
import { erasePosts } from '../posts/personal.js';
import { erasePresence, forgetPresence } from '../presence/personal.js';

/*
 * An account is deleted in two steps. The mutation closes it: from its COMMIT on nothing says who it was, nobody gets in, and every socket ends. A job then
 * removes what nobody relies on, by the acts that the user could have done themselves, so whoever looks at it sees it go. It begins anew where it was broken
 * off, since it looks for what is left.
 */

interface Erasing {
  readonly userId: string;
  /** Whether it has run before. */
  readonly isAgain: boolean;
}

/** After so long it runs once more, for what was on its way when the account was closed, in milliseconds: ten minutes. */
const AGAIN_AFTER_MS = 10 * 60 * 1_000;

/** In their order: who is named in fewer places comes first. */
const ERASURES: readonly ((context: Context) => Promise<void>)[] = [
  ...[eraseOperations, eraseFiles, eraseBlocks, eraseFollows, erasePosts, eraseEntries, eraseLikes, eraseConversations],
  ...[eraseNotifications, erasePresence],
];

/** A context in which the user acts whose account is closed. */
const actingAs = (services: Services, id: string): Context =>
  contextFor(services, {
    principal: {
      viewer: { id, username: '', role: 'GUEST' },
      lacksFactor: false,
      via: { kind: 'session', sessionId: id },
      scopes: 'ALL',
      expiresAt: new Date(services.clock.now()),
      asOf: { epoch: null, seq: 0 },
    },
    client: { ip: null, userAgent: null, requestId: null },
  });

export const eraseTask: Task<Erasing> = defineTask('privacy.erase', async (services, { userId, isAgain }) => {
  const context = actingAs(services, userId);
  for (const erase of ERASURES) await erase(context);
  await eraseResults(context, userId);
  if (isAgain) await removeAccount(context, userId);
  else {
    const runAt = new Date(services.clock.now() + AGAIN_AFTER_MS);
    await services.db.transact(async (tx) => tx.enqueue(eraseTask, { userId, isAgain: true }, { key: userId, runAt }));
  }
});

/** Deletes the viewer's account. @throws BAD_USER_INPUT for a wrong password, RATE_LIMITED, CONFLICT for the last administrator */
export const deleteMyAccount = async (context: Context, password: string | null | undefined): Promise<void> => {
  await assertOwner(context, password);
  await context.db.transact(async (tx) => {
    const { id: userId } = viewerOf(context);
    await closeAccount(tx, context);
    await forgetPresence(tx, userId);
    tx.audit('deleteMyAccount', { type: 'User', id: userId });
    tx.enqueue(eraseTask, { userId, isAgain: false }, { key: userId });
  });
};
