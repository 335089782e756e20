import { getNamedType, isCompositeType, type GraphQLField } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isErrorCode } from '../../src/errors.js';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { TestSocket } from '../kit/client.js';
import { aGuest, anApiKey } from '../kit/factories.js';

/*
 * Who may ask what, as it is meant to be: each operation, as each kind of principal, on each transport. What an operation is about is left out: it is given
 * wrong values, and who may ask it is told so.
 */

const RANK = { GUEST: 0, MEMBER: 1, MODERATOR: 3, ADMIN: 4 } as const;
type Role = keyof typeof RANK;

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The queries and subscriptions by the least role of who may ask them; `null` for anybody. */
const READING: readonly (readonly [Role | null, string])[] = [
  [
    null,
    'Query: announcementCursor categories category entries entry me node nodes oidcIssuers popularEntries post postEvents posts presence',
  ],
  [null, 'Query: registration room tags terms user users'],
  [
    null,
    'Subscription: commentAdded commentCountChanged commentCountsChanged entryLikeCountsChanged likeCountChanged likeCountsChanged postEvents',
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
  ['GUEST', 'WRITE_KNOWLEDGE', 'deleteEntry likeEntry unlikeEntry updateEntry'],
  ['MEMBER', 'WRITE_KNOWLEDGE', 'createEntry'],
  ['MODERATOR', 'WRITE_KNOWLEDGE', 'createCategory deleteCategory featureEntry updateCategory'],
  ['GUEST', 'WRITE_NOTIFICATIONS', 'markNotificationsRead updateNotificationPreferences'],
  ['MODERATOR', 'WRITE_NOTIFICATIONS', 'announce'],
  ['GUEST', 'WRITE_POSTS', 'addComment createPost deleteComment deletePost likePost unlikePost updateComment updatePost'],
  ['GUEST', 'WRITE_PRESENCE', 'setPresence'],
  ['ADMIN', 'ADMIN', 'disconnectUser removeSecondFactor setUserRole suspendUser unlockUser'],
];

interface Asked {
  readonly type: 'Query' | 'Mutation' | 'Subscription';
  readonly name: string;
  readonly role: Role | null;
  readonly scope: string | null;
}

const ASKED: readonly Asked[] = [
  ...READING.flatMap(([role, text]) => {
    const [type, names] = text.split(': ') as [Asked['type'], string];
    return words(names).map((name): Asked => ({ type, name, role, scope: null }));
  }),
  ...WRITING.flatMap(([role, scope, names]) => words(names).map((name): Asked => ({ type: 'Mutation', name, role, scope }))),
];

/** Whoever asks: with which role, and with which scopes where it is a key. */
interface Kind {
  readonly role: Role | null;
  readonly scopes: readonly string[] | null;
  readonly isSuspended?: boolean;
}

const SCOPES = words(
  'WRITE_ACCOUNT WRITE_BLOCKS WRITE_CONVERSATIONS WRITE_FOLLOWS WRITE_KNOWLEDGE WRITE_NOTIFICATIONS WRITE_POSTS WRITE_PRESENCE AGENT ADMIN',
);
const KINDS: Readonly<Record<string, Kind>> = {
  nobody: { role: null, scopes: null },
  'a guest': { role: 'GUEST', scopes: null },
  'a member': { role: 'MEMBER', scopes: null },
  'a moderator': { role: 'MODERATOR', scopes: null },
  'an administrator': { role: 'ADMIN', scopes: null },
  'somebody who is suspended': { role: 'MEMBER', scopes: null, isSuspended: true },
  'a key for reading': { role: 'ADMIN', scopes: ['READ'] },
  ...Object.fromEntries(SCOPES.map((scope) => [`a key for ${scope}`, { role: 'ADMIN', scopes: [scope] } satisfies Kind])),
  'a key for everything': { role: 'ADMIN', scopes: SCOPES },
};

/** With what it is refused; null where it is looked at. */
const expected = ({ type, role, scope }: Asked, { role: own, scopes, isSuspended = false }: Kind): string | null => {
  // A credential that is refused refuses whatever is asked, but for the mutations by which one gets another.
  if (isSuspended) return type === 'Mutation' && role === null ? null : 'LOCKED';
  if (role === null) return null;
  if (own === null) return 'UNAUTHENTICATED';
  if (scopes !== null && scope !== null && !scopes.includes(scope)) return 'FORBIDDEN';
  const present = scopes === null || scopes.includes('ADMIN') ? own : 'MEMBER';
  return RANK[present] >= RANK[role] ? null : 'FORBIDDEN';
};

const fieldOf = ({ type, name }: Asked): GraphQLField<unknown, unknown> | undefined => schema.getType(type) && fieldsOf(type)[name];
const fieldsOf = (type: Asked['type']): Readonly<Record<string, GraphQLField<unknown, unknown>>> =>
  ({ Query: schema.getQueryType(), Mutation: schema.getMutationType(), Subscription: schema.getSubscriptionType() })[type]?.getFields() ??
  {};

/** The operation with a value that none of its arguments takes; null for one that takes none, which would be done. */
const wrongly = (asked: Asked): { readonly query: string; readonly variables: object } | null => {
  const field = fieldOf(asked);
  if (!field || field.args.length === 0) return null;
  const declared = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const given = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
  const query = `${asked.type.toLowerCase()} (${declared}) { ${asked.name}(${given})${selection} }`;
  return { query, variables: Object.fromEntries(field.args.map(({ name }) => [name, { no: 'such' }])) };
};

/** Only what it takes to be looked at: a wrong value. */
const told = (code: string | null): string | null => (code === 'BAD_USER_INPUT' ? null : code);
/** The first code of an error, which those of fields stand beside. */
const firstCode = (text: string): string => [...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code).find(isErrorCode) ?? 'nothing';

it('has a rule for every operation', () => {
  const all = (['Query', 'Mutation', 'Subscription'] as const).flatMap((type) =>
    Object.keys(fieldsOf(type)).map((name) => `${type}.${name}`),
  );
  expect(ASKED.map(({ type, name }) => `${type}.${name}`).sort()).toEqual(all.sort());
});

describe('who may ask what', () => {
  let app: TestApp;
  let people: Readonly<Record<string, TestUser | undefined>>;
  beforeAll(async () => {
    app = await startTestApp();
    const chief = await app.userWithRole('chief', 'ADMIN');
    const suspended = await app.user('shut');
    const keys = Object.entries(KINDS).filter(([, { scopes }]) => scopes !== null);
    people = {
      'a guest': await aGuest(app),
      'a member': await app.user('member'),
      'a moderator': await app.userWithRole('mia', 'MODERATOR'),
      'an administrator': chief,
      'somebody who is suspended': suspended,
      ...Object.fromEntries(
        await Promise.all(
          keys.map(async ([name, { scopes }]) => [name, await anApiKey(app, chief, [...(scopes ?? [])] as never)] as const),
        ),
      ),
    };
    await app.database.query(`UPDATE "user" SET suspended_at = now() WHERE username = 'shut'`);
  });
  afterAll(() => app.stop());

  const operations = ASKED.flatMap((asked) => {
    const operation = wrongly(asked);
    return operation === null ? [] : [{ asked, ...operation }];
  });
  /** What differs from what is meant, by the operations. */
  const differing = async (kind: Kind, ask: (query: string, variables: object) => Promise<string | null>): Promise<string[]> => {
    const differences: string[] = [];
    for (const { asked, query, variables } of operations) {
      const [meant, got] = [expected(asked, kind), told(await ask(query, variables))];
      if (got !== meant) differences.push(`${asked.name}: ${String(got)}, not ${String(meant)}`);
    }
    return differences;
  };
  const post = async (accept: string, query: string, variables: object, token?: string): Promise<string | null> => {
    const headers = { 'content-type': 'application/json', accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    return firstCode(await (await fetch(app.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })).text());
  };
  const bySocket = async (socket: TestSocket, query: string, variables: object): Promise<string | null> => {
    const subscription = socket.subscribe(query, variables);
    const result = await subscription.next().catch(() => null);
    return firstCode(JSON.stringify(result ?? (await subscription.ended)));
  };

  it.each(Object.entries(KINDS))('%s, over HTTP and by event streams', async (name, kind) => {
    const token = people[name]?.token;
    for (const accept of ['application/json', 'text/event-stream'])
      expect(await differing(kind, (query, variables) => post(accept, query, variables, token)), accept).toEqual([]);
  });

  it.each(Object.entries(KINDS).filter(([, { isSuspended }]) => isSuspended !== true))('%s, on a socket', async (name, kind) => {
    const socket = app.connect(people[name]);
    expect(await differing(kind, (query, variables) => bySocket(socket, query, variables))).toEqual([]);
  });
});
