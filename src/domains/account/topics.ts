import { logTopic } from '../../realtime/topic.js';

/** Changes of what a user may see and do. A subscriber checks its rules again after each; the kind of event only tells the reason. */
export interface RightsEvents {
  readonly SessionRevoked: { readonly sessionId: string };
  readonly ApiKeyRevoked: { readonly apiKeyId: string };
  readonly RoleChanged: null;
  /** The account was suspended, or it no longer is. */
  readonly SuspensionChanged: null;
  /** The user no longer signs in by an issuer, whose tokens are theirs no more. */
  readonly IdentityUnlinked: null;
  /** The user was signed out everywhere: tokens of issuers from before are good no more. */
  readonly IssuerTokensEnded: null;
  /** The user may no longer follow the streams of this topic and key. */
  readonly AccessWithdrawn: { readonly topic: string; readonly key: string };
  /** The user has blocked somebody or was blocked, or a block has ended. */
  readonly BlocksChanged: null;
  /** Somebody shows the user more of their presence than before, or less, or the user shows theirs to others. */
  readonly VisibilityChanged: null;
}

/**
 * The rights of each user, keyed by user id. Every process follows it for its connected users. Code that withdraws a right must emit to it
 * in the same transaction.
 */
export const rightsLog = logTopic<RightsEvents>('rights', {
  kinds: {
    SessionRevoked: 'goes on',
    ApiKeyRevoked: 'goes on',
    RoleChanged: 'goes on',
    SuspensionChanged: 'goes on',
    IdentityUnlinked: 'goes on',
    IssuerTokensEnded: 'goes on',
    AccessWithdrawn: 'goes on',
    BlocksChanged: 'goes on',
    VisibilityChanged: 'goes on',
  },
});
