/*
 * Who is meant to ask which operation. What comes of its objects stands in `objects.test.ts`.
 */

export const RANK = { GUEST: 0, MEMBER: 1, MODERATOR: 3, ADMIN: 4 } as const;
export type Role = keyof typeof RANK;

export const words = (text: string): string[] => text.trim().split(/\s+/);

/** The queries and subscriptions by the least role of who may ask them; `null` for anybody. */
const READING: readonly (readonly [Role | null, string])[] = [
  [
    null,
    'Query: announcementCursor categories category entries entriesCursor entry entryDifference me node nodes oidcIssuers popularEntries post postEvents posts presence',
  ],
  [null, 'Query: registration room tags terms user users'],
  [
    null,
    'Subscription: commentAdded commentCountChanged commentCountsChanged entriesChanged entryChanged entryLikeCountsChanged likeCountChanged likeCountsChanged postEvents',
  ],
  ['GUEST', 'Query: announcements conversation conversationEvents feed invitations markdownPreview operation sync unreadCounts'],
  ['GUEST', 'Subscription: announcementAdded conversationEvents feedEvents inboxChanged messageAdded notificationAdded operationChanged'],
  // `presenceChanged` of some users is for anybody, and of the members of a conversation, as it is asked here, for those.
  ['GUEST', 'Subscription: presenceChanged typingChanged unreadCounts'],
  ['ADMIN', 'Query: auditLog connections securityAlertCursor securityAlerts'],
  ['ADMIN', 'Subscription: securityAlertAdded'],
];

/** The mutations by the least role of who may call them, and the scope that a key needs; SESSION: no key may. */
const WRITING: readonly (readonly [Role | null, string | null, string])[] = [
  [
    null,
    null,
    'confirmSignIn estimatePassword finishLogin joinAsGuest login loginWithOidc loginWithPasskey startPasskeyLogin logout refreshSession register registerWithOidc',
  ],
  [null, null, 'requestPasswordReset resetPassword startOidc verifyEmail'],
  ['GUEST', 'SESSION', 'addPasskey confirmTotp disableTotp removePasskey renamePasskey renewRecoveryCodes startPasskey startTotp'],
  ['GUEST', 'SESSION', 'acceptTerms claimAccount deleteMyAccount exportMyData revokeAllSessions revokeApiKey revokeSession updatePrivacy'],
  [
    'MEMBER',
    'SESSION',
    'changeEmail changePassword createApiKey createInvitation linkIdentity resendVerification revokeInvitation unlinkIdentity',
  ],
  ['GUEST', 'WRITE_ACCOUNT', 'updateProfile'],
  ['GUEST', 'WRITE_BLOCKS', 'blockUser unblockUser'],
  [
    'GUEST',
    'WRITE_CONVERSATIONS',
    'acceptRequest addMembers addReaction archiveConversation createGroup createRoom declineRequest deleteMessage',
  ],
  [
    'GUEST',
    'WRITE_CONVERSATIONS',
    'editMessage joinRoom leaveConversation markRead markUnread muteConversation pinConversation removeMember',
  ],
  ['GUEST', 'WRITE_CONVERSATIONS', 'removeReaction renameConversation sendMessage setRoomPasscode setTyping startDirect transferOwnership'],
  ['GUEST', 'WRITE_CONVERSATIONS', 'unarchiveConversation unmuteConversation unpinConversation'],
  ['GUEST', 'WRITE_FOLLOWS', 'followUser unfollowUser'],
  ['GUEST', 'WRITE_KNOWLEDGE', 'deleteEntry likeEntry restoreEntryRevision unlikeEntry updateEntry'],
  ['MEMBER', 'WRITE_KNOWLEDGE', 'createEntry'],
  ['MODERATOR', 'WRITE_KNOWLEDGE', 'createCategory deleteCategory featureEntry updateCategory'],
  ['GUEST', 'WRITE_NOTIFICATIONS', 'markNotificationsRead updateNotificationPreferences'],
  ['MODERATOR', 'WRITE_NOTIFICATIONS', 'announce'],
  ['GUEST', 'WRITE_POSTS', 'addComment createPost deleteComment deletePost likePost unlikePost updateComment updatePost'],
  ['GUEST', 'WRITE_PRESENCE', 'setPresence'],
  ['ADMIN', 'ADMIN', 'disconnectUser removeSecondFactor setUserRole suspendUser unlockUser'],
];

export interface Asked {
  readonly type: 'Query' | 'Mutation' | 'Subscription';
  readonly name: string;
  readonly role: Role | null;
  readonly scope: string | null;
}

export const ASKED: readonly Asked[] = [
  ...READING.flatMap(([role, text]) => {
    const [type, names] = text.split(': ') as [Asked['type'], string];
    return words(names).map((name): Asked => ({ type, name, role, scope: null }));
  }),
  ...WRITING.flatMap(([role, scope, names]) => words(names).map((name): Asked => ({ type: 'Mutation', name, role, scope }))),
];
