import { randomUUID } from 'node:crypto';
import {
  getNamedType,
  isCompositeType,
  isInputObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInterfaceType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import { schema } from '../../src/process/schema.js';
import { revisionsOf } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { TestSocket } from '../kit/client.js';
import { aComment, aGroup, aGuest, aMessage, anApiKey, anEntry, aPost, aRequest, aRoom, aSession } from '../kit/factories.js';
import { present } from '../kit/graphql.js';
import { ASKED, words } from './asked.js';

/*
 * What may be done with whose objects: each operation that takes an id, with one's own object, with that of somebody else which one sees, with one that
 * one does not see, and with one that does not exist. The last two must not be told apart, in words or in code: what one may not see does not exist.
 *
 * All of it on all three transports would be some 4,000 operations. Each question is asked on one of them, in turn, so that every operation, every kind of
 * asker and every case comes to each; that the transports do not differ in who is refused is asked in full in `rights.test.ts`.
 */

type Type = 'Query' | 'Mutation' | 'Subscription';
/** What may be had of somebody: a group is one that the asker is in, or has made; a request is one that they were sent. */
type Kind = 'User' | 'Post' | 'Comment' | 'Entry' | 'EntryRevision' | 'Category' | 'Group' | 'Room' | 'Request' | 'Message' | Private;
/** What others never see. */
type Private = 'Notification' | 'Session' | 'ApiKey' | 'Identity' | 'Passkey' | 'Invitation' | 'Operation';

/** For a guest, a member, a moderator and an administrator; `-` where they cannot have one. */
type Outcomes = string;
/** An operation, the way to the id in its arguments, of what it is, and what comes of it with one's own object and with another's that one sees. */
type Row = readonly [operation: string, path: string, kind: Kind, own: Outcomes, visible: Outcomes, others?: (object: Made) => object];

/** An object, and what a further argument may be about: the conversation of a message, another member. */
interface Made {
  readonly id: string;
  readonly parent?: string;
  readonly cursor?: string;
  readonly other?: string;
}

const ALL = 'ok ok ok ok';
const NONE = '- - - -';
const DENIED = 'FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN';
const MODERATORS = 'FORBIDDEN FORBIDDEN ok ok';
const ADMINS = 'FORBIDDEN FORBIDDEN FORBIDDEN ok';
const WRONG = 'BAD_USER_INPUT BAD_USER_INPUT BAD_USER_INPUT BAD_USER_INPUT';
const ADMINS_OTHERS = 'FORBIDDEN FORBIDDEN FORBIDDEN BAD_USER_INPUT';
const MEMBERS = '- ok ok ok';
/** Of what a guest cannot have a second one. */
const ADMINS_OWN = '- FORBIDDEN FORBIDDEN ok';
/** An administrator who did it to themselves could ask nothing further. */
const NOT_ADMINS = 'FORBIDDEN FORBIDDEN FORBIDDEN -';

const ROWS: readonly Row[] = [
  ['Query.auditLog', 'actor', 'User', ADMINS, ADMINS],
  ['Query.auditLog', 'subject', 'User', ADMINS, ADMINS],
  ['Query.auditLog', 'viaId', 'Session', ADMINS_OWN, NONE],
  ['Query.connections', 'userId', 'User', ADMINS, ADMINS],
  ['Query.conversation', 'id', 'Group', ALL, ALL],
  ['Query.conversationEvents', 'conversationId', 'Group', ALL, ALL],
  ['Query.entry', 'id', 'Entry', MEMBERS, ALL],
  ['Query.entry', 'by.id', 'Entry', MEMBERS, ALL],
  ['Query.entryDifference', 'from', 'EntryRevision', MEMBERS, ALL, ({ id }) => ({ to: id })],
  ['Query.entryDifference', 'to', 'EntryRevision', MEMBERS, ALL, ({ id }) => ({ from: id })],
  ['Query.entriesCursor', 'filter.category', 'Category', '- - ok ok', ALL],
  ['Query.entriesCursor', 'filter.author', 'User', ALL, ALL],
  ['Query.node', 'id', 'Message', ALL, ALL],
  ['Query.nodes', 'ids', 'Message', ALL, ALL],
  ['Query.operation', 'id', 'Operation', ALL, NONE],
  ['Query.post', 'id', 'Post', ALL, ALL],
  ['Query.postEvents', 'postId', 'Post', ALL, ALL],
  ['Query.presence', 'userIds', 'User', ALL, ALL],
  ['Query.user', 'id', 'User', ALL, ALL],
  ['Query.user', 'by.id', 'User', ALL, ALL],
  ['Mutation.acceptRequest', 'conversationId', 'Request', ALL, ALL],
  ['Mutation.declineRequest', 'conversationId', 'Request', ALL, WRONG],
  ['Mutation.addComment', 'postId', 'Post', ALL, ALL, () => ({ body: 'Yes' })],
  ['Mutation.addComment', 'replyToId', 'Comment', ALL, ALL, ({ parent }) => ({ body: 'Yes', postId: parent })],
  ['Mutation.updatePost', 'id', 'Post', ALL, DENIED, () => ({ body: 'edited' })],
  ['Mutation.deletePost', 'id', 'Post', ALL, MODERATORS],
  ['Mutation.likePost', 'postId', 'Post', ALL, ALL],
  ['Mutation.unlikePost', 'postId', 'Post', ALL, ALL],
  ['Mutation.updateComment', 'id', 'Comment', ALL, DENIED, () => ({ body: 'edited' })],
  ['Mutation.deleteComment', 'id', 'Comment', ALL, MODERATORS],
  ['Mutation.updateEntry', 'id', 'Entry', MEMBERS, DENIED, () => ({ expectedVersion: 1, title: 'edited' })],
  ['Mutation.restoreEntryRevision', 'revisionId', 'EntryRevision', MEMBERS, DENIED, () => ({ expectedVersion: 1 })],
  ['Mutation.deleteEntry', 'id', 'Entry', MEMBERS, MODERATORS],
  ['Mutation.featureEntry', 'id', 'Entry', '- FORBIDDEN ok ok', MODERATORS, () => ({ isFeatured: true })],
  ['Mutation.likeEntry', 'entryId', 'Entry', MEMBERS, ALL],
  ['Mutation.unlikeEntry', 'entryId', 'Entry', MEMBERS, ALL],
  ['Mutation.updateCategory', 'id', 'Category', '- - ok ok', MODERATORS, () => ({ description: 'edited' })],
  ['Mutation.deleteCategory', 'id', 'Category', '- - ok ok', MODERATORS],
  ['Mutation.addMembers', 'conversationId', 'Group', ALL, ALL, ({ other }) => ({ memberIds: [other] })],
  ['Mutation.addMembers', 'memberIds', 'User', ALL, ALL, ({ parent }) => ({ conversationId: parent })],
  ['Mutation.removeMember', 'conversationId', 'Group', ALL, DENIED, ({ other }) => ({ userId: other })],
  ['Mutation.removeMember', 'userId', 'User', WRONG, ALL, ({ parent }) => ({ conversationId: parent })],
  ['Mutation.transferOwnership', 'conversationId', 'Room', ALL, DENIED, ({ other }) => ({ userId: other })],
  ['Mutation.transferOwnership', 'userId', 'User', ALL, ALL, ({ parent }) => ({ conversationId: parent })],
  ['Mutation.renameConversation', 'conversationId', 'Group', ALL, DENIED, () => ({ title: 'edited' })],
  ['Mutation.setRoomPasscode', 'conversationId', 'Room', ALL, DENIED, () => ({ passcode: 'sesame' })],
  ['Mutation.leaveConversation', 'conversationId', 'Group', ALL, ALL],
  ...['archive', 'unarchive', 'mute', 'unmute', 'pin', 'unpin'].map((act): Row => [
    `Mutation.${act}Conversation`,
    'conversationId',
    'Group',
    ALL,
    ALL,
  ]),
  ['Mutation.markUnread', 'conversationId', 'Group', ALL, ALL],
  ['Mutation.markRead', 'conversationId', 'Group', ALL, ALL, ({ cursor }) => ({ cursor })],
  ['Mutation.setTyping', 'conversationId', 'Group', ALL, ALL, () => ({ isTyping: true })],
  ['Mutation.sendMessage', 'conversationId', 'Group', ALL, ALL, () => ({ body: 'said' })],
  ['Mutation.sendMessage', 'replyToId', 'Message', ALL, ALL, ({ parent }) => ({ body: 'said', conversationId: parent })],
  ['Mutation.editMessage', 'messageId', 'Message', ALL, DENIED, () => ({ body: 'edited' })],
  ['Mutation.deleteMessage', 'messageId', 'Message', ALL, MODERATORS],
  ['Mutation.addReaction', 'messageId', 'Message', ALL, ALL, () => ({ emoji: '👍' })],
  ['Mutation.removeReaction', 'messageId', 'Message', ALL, ALL, () => ({ emoji: '👍' })],
  ['Mutation.blockUser', 'userId', 'User', WRONG, ALL],
  ['Mutation.unblockUser', 'userId', 'User', ALL, ALL],
  ['Mutation.followUser', 'userId', 'User', WRONG, ALL],
  ['Mutation.unfollowUser', 'userId', 'User', ALL, ALL],
  ['Mutation.startDirect', 'userId', 'User', WRONG, ALL],
  ['Mutation.createGroup', 'memberIds', 'User', ALL, ALL, () => ({ title: 'Group' })],
  ['Mutation.setUserRole', 'userId', 'User', NOT_ADMINS, ADMINS, () => ({ role: 'MEMBER' })],
  ['Mutation.suspendUser', 'userId', 'User', ADMINS_OTHERS, ADMINS],
  ['Mutation.unlockUser', 'userId', 'User', ADMINS, ADMINS],
  ['Mutation.disconnectUser', 'userId', 'User', NOT_ADMINS, ADMINS],
  ['Mutation.removeSecondFactor', 'userId', 'User', NOT_ADMINS, ADMINS],
  ['Mutation.disconnectUser', 'sessionId', 'Session', ADMINS_OWN, NONE, ({ other }) => ({ userId: other })],
  ['Mutation.markNotificationsRead', 'ids', 'Notification', ALL, NONE],
  ['Mutation.markNotificationsRead', 'which.ids', 'Notification', ALL, NONE],
  ['Mutation.revokeSession', 'sessionId', 'Session', MEMBERS, NONE],
  ['Mutation.revokeApiKey', 'apiKeyId', 'ApiKey', MEMBERS, NONE],
  ['Mutation.renamePasskey', 'passkeyId', 'Passkey', MEMBERS, NONE, () => ({ name: 'Renamed' })],
  ['Mutation.removePasskey', 'passkeyId', 'Passkey', MEMBERS, NONE, () => ({ password: PASSWORD })],
  ['Mutation.unlinkIdentity', 'identityId', 'Identity', MEMBERS, NONE],
  ['Mutation.revokeInvitation', 'invitationId', 'Invitation', '- - - ok', NONE],
  ['Subscription.commentAdded', 'postId', 'Post', ALL, ALL],
  ['Subscription.commentCountChanged', 'postId', 'Post', ALL, ALL],
  ['Subscription.commentCountsChanged', 'ids', 'Post', ALL, ALL],
  ['Subscription.conversationEvents', 'conversationId', 'Group', ALL, ALL],
  ['Subscription.entryChanged', 'id', 'Entry', MEMBERS, ALL],
  ['Subscription.entriesChanged', 'filter.category', 'Category', '- - ok ok', ALL],
  ['Subscription.entriesChanged', 'filter.author', 'User', ALL, ALL],
  ['Subscription.entryLikeCountsChanged', 'ids', 'Entry', MEMBERS, ALL],
  ['Subscription.likeCountChanged', 'postId', 'Post', ALL, ALL],
  ['Subscription.likeCountsChanged', 'ids', 'Post', ALL, ALL],
  ['Subscription.messageAdded', 'conversationId', 'Group', ALL, ALL],
  ['Subscription.operationChanged', 'id', 'Operation', ALL, NONE],
  ['Subscription.postEvents', 'postId', 'Post', ALL, ALL],
  ['Subscription.presenceChanged', 'conversationId', 'Group', ALL, ALL],
  ['Subscription.presenceChanged', 'of.conversationId', 'Group', ALL, ALL],
  ['Subscription.presenceChanged', 'userIds', 'User', ALL, ALL],
  ['Subscription.presenceChanged', 'of.userIds', 'User', ALL, ALL],
  ['Subscription.typingChanged', 'conversationId', 'Group', ALL, ALL],
];

/** Who may act upon what is not theirs, by an operation or of a kind: ARCHITECTURE says what administrators see. */
const EXEMPT: Readonly<Record<string, readonly string[]>> = {
  // A message that was reported is removed without being read.
  'Mutation.deleteMessage messageId': ['a moderator', 'an administrator', 'a key for everything'],
  // Administrators see to all invitations.
  Invitation: ['an administrator', 'a key for everything'],
};

/** Who sees nodes of the types that are hidden from nobody in particular; of the others, one of each is asked for here. Entries and their revisions are both. */
const SEEN_BY = {
  anybody: ['Category', 'Comment', 'Entry', 'EntryRevision', 'Post', 'Presence', 'User'],
  signedIn: ['Announcement'],
  /** Whose rules have tests of their own, by where. */
  elsewhere: {
    AuditEvent: 'domains/audit.test.ts',
    ConversationMember: 'contracts/nodes.test.ts',
    File: 'domains/data-export.test.ts',
    Me: 'contracts/nodes.test.ts',
    UnreadCounts: 'domains/inbox.test.ts',
  },
} as const;

// ---------------------------------------------------------------- how it is asked

const fieldOf = (operation: string): GraphQLField<unknown, unknown> => {
  const [type = '', name = ''] = operation.split('.');
  const root = { Query: schema.getQueryType(), Mutation: schema.getMutationType(), Subscription: schema.getSubscriptionType() }[
    type as Type
  ];
  return present(root?.getFields()[name] ?? null);
};
const typeOf = (operation: string): Type => operation.split('.', 1)[0] as Type;

/** The ways to ids in the arguments of a field; of a mutation within its `input`. */
const pathsIn = (args: readonly (GraphQLArgument | GraphQLInputField)[]): string[] =>
  args.flatMap(({ name, type }) => {
    const named = getNamedType(type);
    if (named.name === 'ID') return [name];
    if (!isInputObjectType(named)) return [];
    const within = pathsIn(Object.values(named.getFields()));
    return name === 'input' ? within : within.map((path) => `${name}.${path}`);
  });

const textOf = (operation: string): string => {
  const { name, args, type } = fieldOf(operation);
  const declared = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const given = args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection = isCompositeType(getNamedType(type)) ? ' { __typename }' : '';
  return `${typeOf(operation).toLowerCase()} (${declared}) { ${name}(${given})${selection} }`;
};

const variablesOf = ([operation, path, , , , others = () => ({})]: Row, object: Made): object => {
  const [first = '', second] = path.split('.');
  const id = path.endsWith('ds') ? [object.id] : object.id;
  const args = { ...others(object), [first]: second === undefined ? id : { [second]: id } };
  return typeOf(operation) === 'Mutation' ? { input: args } : args;
};

const ROLES = ['a guest', 'a member', 'a moderator', 'an administrator'];

/** Who may ask the operation, whatever it is about. */
const ruleOf = (operation: string) => present(ASKED.find(({ type, name }) => `${type}.${name}` === operation) ?? null);

const WRITING = words(
  'WRITE_ACCOUNT WRITE_BLOCKS WRITE_CONVERSATIONS WRITE_FOLLOWS WRITE_KNOWLEDGE WRITE_NOTIFICATIONS WRITE_POSTS WRITE_PRESENCE AGENT',
);

/** The keys, each with its scopes, whose it is, and as which of the roles it acts with what its scopes let it do. */
const KEYS = {
  'a key for everything': { owner: 'an administrator', scopes: [...WRITING, 'ADMIN'], as: 3 },
  'a key for all but ADMIN': { owner: 'an administrator', scopes: WRITING, as: 1 },
  'a key for reading': { owner: 'an administrator', scopes: ['READ'], as: 1 },
} as const;
type Key = keyof typeof KEYS;

/** What comes of it by a key, where the four roles get these outcomes. */
const byKey = (key: Key, [operation]: Row, outcomes: Outcomes): string => {
  const { scopes, as } = KEYS[key];
  const { type, scope } = ruleOf(operation);
  const has = (scopes as readonly string[]).includes(scope ?? 'READ') || type !== 'Mutation';
  const outcome = outcomes.split(' ')[as] ?? '-';
  return has || outcome === '-' ? outcome : 'FORBIDDEN';
};

/** What everybody sees who comes by. */
const OPEN: readonly Kind[] = ['User', 'Post', 'Comment', 'Entry', 'EntryRevision', 'Category'];
/** What asking for anything else is answered without signing in. */
const NOTHING: Readonly<Record<string, string>> = { 'Query.node': 'null', 'Query.nodes': 'ok' };

/** Over HTTP, as an event stream, on a socket. */
type Transport = 'http' | 'stream' | 'socket';
const TRANSPORTS: readonly Transport[] = ['socket', 'stream', 'http'];

type Answer = { readonly data?: unknown; readonly errors?: readonly { readonly message: string; readonly extensions?: object }[] };

describe('what is done with whose objects', () => {
  let app: TestApp;
  /** Whose objects they are that are not one's own, and who else is in what they have made. */
  let ada: TestUser;
  let ben: TestUser;
  let mia: TestUser;
  let askers: Readonly<Record<string, TestUser | undefined>>;
  const sockets = new Map<string, TestSocket>();
  let questions = 0;
  beforeAll(async () => {
    app = await startTestApp();
    [ada, ben, mia] = [await app.user('ada'), await app.user('ben'), await app.userWithRole('mia', 'MODERATOR')];
    const chief = await app.userWithRole('chief', 'ADMIN');
    askers = {
      'a guest': await aGuest(app),
      'a member': await app.user('member'),
      'a moderator': await app.userWithRole('mod', 'MODERATOR'),
      'an administrator': chief,
      nobody: undefined,
    };
    for (const [name, { owner, scopes }] of Object.entries(KEYS))
      askers = { ...askers, [name]: await anApiKey(app, present(askers[owner] ?? null), [...scopes] as never) };
  });
  afterAll(async () => {
    await app.stop();
  });

  const socketOf = (name: string): TestSocket => {
    const socket = sockets.get(name) ?? app.connect(askers[name]);
    sockets.set(name, socket);
    return socket;
  };
  /** By the time of these answers, what was asked before them has been looked at. */
  const later = async (socket: TestSocket): Promise<Answer> => {
    for (let n = 0; n < 10; n += 1) await socket.execute('query { me { id } }').catch(() => null);
    return {};
  };
  /** @param goesOn whether nothing may come, because it is a subscription that is not refused */
  const onSocket = async (name: string, query: string, variables: object, goesOn: boolean): Promise<Answer> => {
    const socket = socketOf(name);
    const subscription = socket.subscribe(query, variables);
    const ended = subscription.ended.then((errors) => ({ errors: errors as NonNullable<Answer['errors']> }));
    const first = subscription.next().catch(() => ended);
    const answer = await (goesOn ? Promise.race([first, later(socket)]) : first);
    subscription.stop();
    return answer;
  };
  /** The first event of a stream; what is refused before there is one is answered as JSON. */
  const asStream = async (name: string, query: string, variables: object, goesOn: boolean): Promise<Answer> => {
    const [leaving, token] = [new AbortController(), askers[name]?.token];
    const response = await fetch(app.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
      signal: leaving.signal,
    });
    const first = async (): Promise<Answer> => {
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString();
        const data = /^data: ?(\{.*\})\n/m.exec(text)?.[1];
        if (data !== undefined) return JSON.parse(data) as Answer;
      }
      return JSON.parse(text) as Answer;
    };
    const reading = first();
    reading.catch(() => undefined);
    const answer = await (goesOn ? Promise.race([reading, later(socketOf('a member'))]) : reading);
    leaving.abort();
    return answer;
  };
  /** The answer, or how a subscription ends; `{}` for one that goes on. @param isRefused whether a subscription must end */
  const askOn = async (transport: Transport, row: Row, name: string, object: Made, isRefused = false): Promise<Answer> => {
    const [query, variables] = [textOf(row[0]), variablesOf(row, object)];
    const isSubscription = typeOf(row[0]) === 'Subscription';
    if (transport === 'http' && !isSubscription) return await app.execute(query, variables, askers[name]);
    const goesOn = isSubscription && !isRefused;
    return await (transport === 'socket' ? onSocket(name, query, variables, goesOn) : asStream(name, query, variables, goesOn));
  };
  /** On the next transport that can be asked so. */
  const transportOf = (): Transport => present(TRANSPORTS[(questions += 1) % TRANSPORTS.length] ?? null);
  const codeOf = ({ data, errors }: Answer): string => {
    const [error] = errors ?? [];
    if (error) return String((error.extensions as { code?: unknown } | undefined)?.code);
    const [value] = Object.values(data ?? {}) as unknown[];
    return value === null ? 'null' : 'ok';
  };

  let made = 0;
  const fresh = (): Promise<TestUser> => app.user(`somebody${(made += 1)}`);
  const idOf = async (as: TestUser, query: string): Promise<string> =>
    present(/"id":"([^"]+)"/.exec(JSON.stringify(await app.data(query, {}, as)))?.[1] ?? null);
  const category = async (as: TestUser): Promise<string> =>
    await idOf(as, `mutation { createCategory(input: { name: "Category ${(made += 1)}" }) { category { id } } }`);

  const revisionOf = async (owner: TestUser, entryId: string): Promise<string> => present((await revisionsOf(app, owner, entryId))[0]);

  /** Makes one that is somebody's. @param other somebody who sees it, where it can be seen by some alone */
  const MAKING: Readonly<Record<Exclude<Kind, 'User'>, (owner: TestUser, other: TestUser) => Promise<Made>>> = {
    Post: async (owner) => ({ id: (await aPost(app, owner)).id }),
    Comment: async (owner) => {
      const { id: parent } = await aPost(app, mia);
      return { id: (await aComment(app, owner, parent)).id, parent };
    },
    Entry: async (owner) => ({ id: (await anEntry(app, owner)).id }),
    EntryRevision: async (owner) => ({ id: await revisionOf(owner, (await anEntry(app, owner)).id) }),
    Category: async (owner) => ({ id: await category(owner === ada ? mia : owner) }),
    Group: async (owner, other) => {
      const { id, cursor } = await aGroup(app, owner, [other, mia]);
      return { id, cursor, other: mia.id };
    },
    Room: async (owner, other) => {
      const { id, joinCode } = await aRoom(app, owner);
      await app.data(`mutation { joinRoom(input: { code: "${joinCode}" }) { conversation { id } } }`, {}, other);
      return { id, other: owner.id };
    },
    Request: async (owner, other) => ({
      id: (await (owner === ada ? aRequest(app, other, await fresh()) : aRequest(app, await fresh(), owner))).id,
    }),
    Message: async (owner, other) => {
      const { id: parent } = await aGroup(app, owner, [other]);
      return { id: (await aMessage(app, owner, parent)).id, parent };
    },
    Notification: async (owner) => {
      await app.data(`mutation { followUser(input: { userId: "${owner.id}" }) { user { id } } }`, {}, await fresh());
      const newest = '{ me { notifications(first: 1) { nodes { id } } } }';
      await vi.waitFor(async () => expect(JSON.stringify(await app.data(newest, {}, owner))).toContain('"id"'), 10_000);
      return { id: await idOf(owner, newest) };
    },
    Session: async (owner) => ({ id: await idOf(await aSession(app, owner), '{ me { sessions { id current } } }'), other: owner.id }),
    ApiKey: async (owner) => ({ id: (await anApiKey(app, owner)).keyId }),
    Identity: async (owner) => {
      const id = randomUUID();
      await app.database.query(
        `INSERT INTO identity (id, user_id, issuer, subject) VALUES ($1, $2, 'https://issuer.example', gen_random_uuid()::text)`,
        [id, parseId(owner.id).id],
      );
      return { id: encodeId('Identity', id) };
    },
    Passkey: async (owner) => {
      const id = randomUUID();
      await app.database.query(
        `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name, is_backed_up)
          VALUES ($1, $2, uuid_send(gen_random_uuid()), '\\x00', 0, '{}', 'A phone', false)`,
        [id, parseId(owner.id).id],
      );
      return { id: encodeId('Passkey', id) };
    },
    Invitation: async (owner) => ({ id: await idOf(owner, 'mutation { createInvitation(input: {}) { invitation { id } } }') }),
    // One at a time: the last one has to end.
    Operation: async (owner) => ({
      id: await vi.waitFor(async () => await idOf(owner, 'mutation { exportMyData(input: {}) { operation { id } } }'), 10_000),
    }),
  };

  const userRow = async ([operation]: Row, asker: TestUser, isOwn: boolean): Promise<Made> => {
    const other = await fresh();
    const id = isOwn ? asker.id : other.id;
    if (operation === 'Mutation.removeMember' || operation === 'Mutation.transferOwnership')
      return { id, parent: (await aGroup(app, asker, [other])).id };
    return operation === 'Mutation.addMembers' ? { id, parent: (await aGroup(app, asker, [mia])).id } : { id };
  };

  /** @param owner who makes the object that is one's own, or sees another's */
  const outcomeOf = async (row: Row, expected: string, isOwn: boolean, name: string, owner: string): Promise<string> => {
    if (expected === '-') return '-';
    const asker = present(askers[owner] ?? null);
    const object = row[2] === 'User' ? await userRow(row, asker, isOwn) : await MAKING[row[2]](isOwn ? asker : ada, isOwn ? ben : asker);
    const code = codeOf(await askOn(transportOf(), row, name, object, expected !== 'ok'));
    // Whoever has one needs it to sign in.
    if (row[2] === 'Passkey') await app.database.query('DELETE FROM passkey WHERE id = $1', [parseId(object.id).id]);
    return code;
  };
  const outcomesOf = async (row: Row, expected: Outcomes, isOwn: boolean): Promise<string> =>
    (await Promise.all(ROLES.map((name, at) => outcomeOf(row, expected.split(' ')[at] ?? '-', isOwn, name, name)))).join(' ');

  const named = (rows: readonly Row[]) => rows.map((row) => [`${row[0]} (${row[1]}: ${row[2]})`, row] as const);

  it.each(named(ROWS))('%s of oneself, and of another who shows it', async (_name, row) => {
    expect(await Promise.all([outcomesOf(row, row[3], true), outcomesOf(row, row[4], false)])).toEqual([row[3], row[4]]);
  });

  it.each(named(ROWS))('%s by keys: no more than their scopes, and never more than their owner', async (_name, row) => {
    for (const key of Object.keys(KEYS) as Key[]) {
      const expected = [byKey(key, row, row[3]), byKey(key, row, row[4])] as const;
      const { owner } = KEYS[key];
      const got = [await outcomeOf(row, expected[0], true, key, owner), await outcomeOf(row, expected[1], false, key, owner)];
      expect(got, key).toEqual(expected);
    }
  });

  it('lets nobody who is suspended do anything with what is theirs', async () => {
    const shut = await app.userWithRole('shut', 'ADMIN');
    const kinds = [...new Set(ROWS.map(([, , kind]) => kind))];
    const own = new Map<Kind, Made>();
    for (const kind of kinds) own.set(kind, kind === 'User' ? { id: shut.id, parent: '', other: ben.id } : await MAKING[kind](shut, ben));
    await app.database.query(`UPDATE "user" SET suspended_at = now() WHERE username = 'shut'`);
    askers = { ...askers, 'somebody who is suspended': shut };
    // A socket is refused as a whole.
    const asked = ROWS.flatMap((row) => (['http', 'stream'] as const).map((transport) => [transport, row] as const));
    const codes = asked.map(async ([transport, row]) => {
      const object = { ...present(own.get(row[2]) ?? null) };
      return codeOf(await askOn(transport, row, 'somebody who is suspended', object, true));
    });
    expect([...new Set(await Promise.all(codes))]).toEqual(['LOCKED']);
    expect(await app.connect(shut).closed).toBe(4401);
  });

  /** One of each kind that nobody sees but those who made them, or are in it. */
  const HIDDEN: readonly Kind[] = [
    'Entry',
    'EntryRevision',
    'Group',
    'Room',
    'Request',
    'Message',
    'Notification',
    'Session',
    'ApiKey',
    'Identity',
    'Passkey',
    'Invitation',
    'Operation',
  ];
  let hidden: Partial<Record<Kind, Made>> = {};
  beforeAll(async () => {
    const made = async (kind: Kind): Promise<readonly [Kind, Made]> => {
      const privateEntry = async () => (await anEntry(app, ada, { isPublic: false })).id;
      if (kind === 'Entry') return [kind, { id: await privateEntry() }];
      if (kind === 'EntryRevision') return [kind, { id: await revisionOf(ada, await privateEntry()) }];
      if (kind === 'Request') return [kind, { id: (await aRequest(app, ben, await fresh())).id }];
      // Whoever has one needs it to sign in.
      if (kind === 'Passkey') return [kind, await MAKING.Passkey(await fresh(), ben)];
      if (kind === 'Group') return [kind, await aGroup(app, ada, [ben])];
      return [
        kind,
        await MAKING[kind as Exclude<Kind, 'User'>](kind === 'Invitation' ? await app.userWithRole('dora', 'ADMIN') : ada, ben),
      ];
    };
    hidden = Object.fromEntries(await Promise.all(HIDDEN.map(made)));
  });
  const shown = ({ data, errors }: Answer): unknown => ({
    data,
    errors: errors?.map(({ message, extensions }) => ({ message, extensions })),
  });
  /** What there is of a node, of whatever type: it is asked as any. */
  const NODES: readonly Row[] = HIDDEN.flatMap((kind): Row[] => [
    ['Query.node', 'id', kind, ALL, ALL],
    ['Query.nodes', 'ids', kind, ALL, ALL],
  ]);
  const secret = [...ROWS.filter(([operation]) => !/Query.nodes?$/.test(operation)), ...NODES].filter(([, , kind]) =>
    HIDDEN.includes(kind),
  );

  it.each(named(ROWS))('%s by nobody', async (_name, row) => {
    const kind = row[2];
    const made = kind === 'User' ? ada : OPEN.includes(kind) ? await MAKING[kind](ada, ben) : hidden[kind];
    const object = present(made ?? null);
    const isOpen = ruleOf(row[0]).role === null || row[0] === 'Subscription.presenceChanged';
    const expected = isOpen && OPEN.includes(kind) ? 'ok' : (NOTHING[row[0]] ?? 'UNAUTHENTICATED');
    expect(codeOf(await askOn(transportOf(), row, 'nobody', object, expected !== 'ok'))).toBe(expected);
  });

  it.each(named(secret))('%s of others, which one does not see, is as if it did not exist', async (_name, row) => {
    const [operation, path, kind] = row;
    const object = present(hidden[kind] ?? null);
    const nothing = encodeId(parseId(object.id).typename, randomUUID());
    // What goes with it is one's own, or is there in both cases.
    const [there, absent] = [object, { ...object, id: nothing }];
    for (const name of Object.keys(askers)) {
      if ([`${operation} ${path}`, kind].some((exempt) => EXEMPT[exempt]?.includes(name))) continue;
      const transport = name === 'somebody who is suspended' ? 'http' : transportOf();
      const answers = [await askOn(transport, row, name, there, true), await askOn(transport, row, name, absent, true)].map(shown);
      expect(answers[0], `${name}, ${transport}`).toEqual(answers[1]);
    }
  });

  it('says of every type of node who sees it', () => {
    const { anybody, signedIn, elsewhere } = SEEN_BY;
    const kinds: readonly string[] = [...HIDDEN.filter((kind) => !['Group', 'Room', 'Request'].includes(kind)), 'Conversation'];
    const nodes = schema.getPossibleTypes(schema.getType('Node') as GraphQLInterfaceType).map(({ name }) => name);
    expect([...anybody, ...signedIn, ...Object.keys(elsewhere), ...kinds].sort()).toEqual([...nodes, 'Entry', 'EntryRevision'].sort());
  });

  it('is asked of every id that an operation takes', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const taken = roots.flatMap((root) =>
      Object.values(root?.getFields() ?? {}).flatMap(({ name, args }) =>
        pathsIn(args).map((path) => `${root?.name ?? ''}.${name} ${path}`),
      ),
    );
    expect([...new Set(ROWS.map(([operation, path]) => `${operation} ${path}`))].sort()).toEqual(taken.sort());
  });
});
