import { logTopic } from '../../realtime/topic.js';

/** What may take away, or give, what somebody may see and do. Who is told asks the rules again; the events say why. */
export interface RightsEvents {
  readonly SessionRevoked: { readonly sessionId: string };
  readonly RoleChanged: null;
  /** The streams of this topic and key are no longer this user's to follow. */
  readonly AccessWithdrawn: { readonly topic: string; readonly key: string };
  /** The user has blocked somebody or been blocked, or a block has ended. */
  readonly BlocksChanged: null;
}

/**
 * The rights of each user, keyed by their id. Every process follows it for those who are connected to it, so whoever takes a right
 * away emits here in the same transaction.
 */
export const rightsLog = logTopic<RightsEvents>('rights', {
  kinds: { SessionRevoked: 'goes on', RoleChanged: 'goes on', AccessWithdrawn: 'goes on', BlocksChanged: 'goes on' },
});
