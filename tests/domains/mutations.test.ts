import { createHash, generateKeyPairSync } from 'node:crypto';
import { getNamedType, isInputObjectType, type GraphQLInputObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { editEntry, revisionsOf, statusOf } from '../kit/acts.js';
import { aComment, aGroup, aMessage, aPasskey, aPost, aRequest, aRoom, aSession, anApiKey, anEntry } from '../kit/factories.js';

/** Processes that serve together have one key. */
const env = { JWT_PRIVATE_KEY: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };

let app: TestApp;
let ada: TestUser;
let bob: TestUser;
let mod: TestUser;
let admin: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env });
  ada = await app.user('ada');
  bob = await app.user('bob');
  mod = await app.userWithRole('mod', 'MODERATOR');
  admin = await app.userWithRole('chief', 'ADMIN');
});
afterAll(() => app.stop());

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
const inputOf = (name: string): GraphQLInputObjectType | null => {
  const argument = mutations.find((field) => field.name === name)?.args.find((arg) => arg.name === 'input');
  const type = argument && getNamedType(argument.type);
  return isInputObjectType(type) ? type : null;
};

/** They hand out, use or end credentials: what they are asked and answer must not be kept. */
const OF_CREDENTIALS = [
  ...[
    'acceptTerms',
    'addPasskey',
    'changeEmail',
    'changePassword',
    'claimAccount',
    'confirmSignIn',
    'confirmTotp',
    'createApiKey',
    'createInvitation',
    'deleteMyAccount',
    'disableTotp',
    'disconnectUser',
    'estimatePassword',
    'finishLogin',
    'joinAsGuest',
    'linkIdentity',
    'login',
    'loginWithOidc',
    'loginWithPasskey',
    'logout',
    'refreshSession',
    'register',
    'registerWithOidc',
    'removePasskey',
  ],
  ...['renewRecoveryCodes', 'requestPasswordReset', 'resendVerification', 'resetPassword', 'revokeAllSessions'],
  ...['startOidc', 'startPasskey', 'startPasskeyLogin', 'startTotp', 'unlinkIdentity', 'verifyEmail'],
];
/** The row that they make keeps the id, and stays. */
const CREATING = ['addComment', 'announce', 'createGroup', 'createPost', 'createRoom', 'sendMessage'];

const documentOf = (name: string, selection: string): string => {
  const type = inputOf(name)?.name ?? '';
  return `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} } }`;
};

/** Calls one mutation; its payload. @throws when it is refused */
const call = async <Payload = Record<string, unknown>>(name: string, selection: string, input: object, as: TestUser): Promise<Payload> => {
  const data = await app.data<Record<string, Payload>>(documentOf(name, selection), { input }, as);
  return data[name] as Payload;
};

const refusal = async (name: string, selection: string, input: object, as?: TestUser): Promise<Record<string, unknown>> => {
  const { errors } = await app.execute(documentOf(name, selection), { input }, as);
  return { ...errors?.[0]?.extensions };
};

let members = 0;
const newMember = (): Promise<TestUser> => app.user(`member${(members += 1)}`);
const newPost = async (as = ada): Promise<string> => (await aPost(app, as)).id;
const newComment = async (): Promise<string> => (await aComment(app, ada, await newPost())).id;
const newEntry = () => anEntry(app, ada);
/** What an entry said that has been changed since. */
const newRevision = async (): Promise<string> => {
  const { id, version } = await newEntry();
  await editEntry(app, ada, { id, expectedVersion: version, title: 'Edited' });
  return (await revisionsOf(app, ada, id)).at(-1) ?? '';
};
const newCategory = async (): Promise<string> =>
  (await call<{ category: { id: string } }>('createCategory', 'category { id }', { name: `Category ${Math.random()}` }, mod)).category.id;
const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');
const newRoom = (passcode?: string) => aRoom(app, ada, { passcode });
const newGroup = async (...members: TestUser[]): Promise<string> => (await aGroup(app, ada, members)).id;
const newMessage = async (): Promise<string> => (await aMessage(app, ada, await newGroup())).id;
/** A session of ada on another device: the one that was used last. */
const newSession = async (): Promise<string> => {
  await aSession(app, ada);
  const { me } = await app.data<{ me: { sessions: { id: string; current: boolean }[] } }>('{ me { sessions { id current } } }', {}, ada);
  return me.sessions.find(({ current }) => !current)?.id ?? '';
};
/** A request to ada. */
const newRequest = async (): Promise<string> => {
  strangers += 1;
  return (await aRequest(app, await app.user(`stranger_${strangers}`), ada)).id;
};
let strangers = 0;
/** Only whoever is here can say that they are away. */
const bePresent = async (user: TestUser): Promise<void> => {
  await app.connect(user).execute('{ __typename }');
  await vi.waitFor(async () => expect(await statusOf(app, user.id)).toEqual(['ONLINE']), WAIT);
};
const WAIT = { timeout: 10_000, interval: 20 };

interface Case {
  readonly selection: string;
  readonly input: () => Promise<object>;
  readonly as?: () => TestUser;
}

/** What a member does with a conversation in their own list. */
const kept = (field: string): Case => ({
  selection: `conversation { id ${field} }`,
  input: async () => ({ conversationId: await newGroup() }),
});

/** How each mutation whose result is kept is called. */
const CASES: Readonly<Record<string, Case>> = {
  acceptRequest: kept('isRequest'),
  declineRequest: { selection: 'conversation { id isRequest }', input: async () => ({ conversationId: await newRequest() }) },
  archiveConversation: kept('isArchived'),
  unarchiveConversation: kept('isArchived'),
  muteConversation: kept('isMuted'),
  unmuteConversation: kept('isMuted'),
  pinConversation: kept('isPinned'),
  unpinConversation: kept('isPinned'),
  markUnread: kept('isMarkedUnread'),
  addMembers: { selection: 'conversation { id }', input: async () => ({ conversationId: await newGroup(), memberIds: [bob.id] }) },
  addReaction: {
    selection: 'message { id reactions { emoji count } }',
    input: async () => ({ messageId: await newMessage(), emoji: '👍' }),
  },
  blockUser: { selection: 'user { id viewerBlocks }', input: async () => ({ userId: (await app.user(`blocked${Date.now()}`)).id }) },
  createCategory: { selection: 'category { id slug }', input: () => Promise.resolve({ name: `Kept ${Math.random()}` }), as: () => mod },
  createEntry: { selection: 'entry { id slug clientId }', input: () => Promise.resolve({ title: `Kept ${Math.random()}`, content: 'c' }) },
  deleteCategory: { selection: 'categoryId', input: async () => ({ id: await newCategory() }), as: () => mod },
  deleteComment: { selection: 'commentId', input: async () => ({ id: await newComment() }) },
  deleteEntry: { selection: 'entryId', input: async () => ({ id: (await newEntry()).id }) },
  deleteMessage: { selection: 'messageId', input: async () => ({ messageId: await newMessage() }) },
  deletePost: { selection: 'postId', input: async () => ({ id: await newPost() }) },
  editMessage: { selection: 'message { id body }', input: async () => ({ messageId: await newMessage(), body: 'Edited' }) },
  updatePrivacy: { selection: 'me { isListed messagesFrom }', input: () => Promise.resolve({ isListed: true }), as: () => bob },
  exportMyData: { selection: 'operation { id kind }', input: () => Promise.resolve({}), as: () => bob },
  featureEntry: {
    selection: 'entry { id isFeatured }',
    input: async () => ({ id: (await newEntry()).id, isFeatured: true }),
    as: () => mod,
  },
  followUser: { selection: 'user { id viewerFollows }', input: () => Promise.resolve({ userId: bob.id }) },
  joinRoom: { selection: 'conversation { id }', input: async () => ({ code: (await newRoom()).joinCode }), as: () => bob },
  leaveConversation: { selection: 'conversationId', input: async () => ({ conversationId: (await newRoom()).id }) },
  likeEntry: { selection: 'likeCount entry { id }', input: async () => ({ entryId: (await newEntry()).id }) },
  likePost: { selection: 'likeCount post { id }', input: async () => ({ postId: await newPost() }) },
  markNotificationsRead: { selection: 'notifications { id }', input: () => Promise.resolve({ all: true }) },
  markRead: {
    selection: 'conversation { id lastReadSeq }',
    input: async () => newRoom().then(({ id, cursor }) => ({ conversationId: id, cursor })),
  },
  removeMember: { selection: 'conversation { id }', input: async () => ({ conversationId: await newGroup(bob), userId: bob.id }) },
  removeReaction: { selection: 'message { id }', input: async () => ({ messageId: await newMessage(), emoji: '👍' }) },
  renameConversation: {
    selection: 'conversation { id title }',
    input: async () => ({ conversationId: await newGroup(), title: 'Renamed' }),
  },
  revokeInvitation: {
    selection: 'invitation { id revokedAt }',
    input: async () => ({
      invitationId: (await call<{ invitation: { id: string } }>('createInvitation', 'invitation { id }', {}, admin)).invitation.id,
    }),
    as: () => admin,
  },
  revokeApiKey: { selection: 'ok', input: async () => ({ apiKeyId: (await anApiKey(app, ada)).keyId }) },
  revokeSession: { selection: 'ok', input: async () => ({ sessionId: await newSession() }) },
  setUserRole: {
    selection: 'user { id role }',
    input: async () => ({ userId: (await newMember()).id, role: 'MODERATOR' }),
    as: () => admin,
  },
  suspendUser: { selection: 'user { id }', input: async () => ({ userId: (await newMember()).id }), as: () => admin },
  removeSecondFactor: { selection: 'user { id }', input: async () => ({ userId: (await newMember()).id }), as: () => admin },
  renamePasskey: { selection: 'passkey { name }', input: async () => ({ passkeyId: await aPasskey(app, ada), name: 'Blue' }) },
  unlockUser: { selection: 'user { id }', input: async () => ({ userId: (await newMember()).id }), as: () => admin },
  setPresence: { selection: 'presence { status }', input: () => Promise.resolve({ status: 'AWAY' }) },
  setRoomPasscode: {
    selection: 'conversation { id hasPasscode }',
    input: async () => ({ conversationId: (await newRoom()).id, passcode: 'open sesame' }),
  },
  setTyping: { selection: 'ok', input: async () => ({ conversationId: await newGroup(bob), isTyping: true }) },
  startDirect: { selection: 'conversation { id kind }', input: () => Promise.resolve({ userId: bob.id }) },
  transferOwnership: { selection: 'conversation { id }', input: async () => ({ conversationId: await newGroup(bob), userId: bob.id }) },
  unblockUser: { selection: 'user { id viewerBlocks }', input: () => Promise.resolve({ userId: bob.id }) },
  unfollowUser: { selection: 'user { id viewerFollows }', input: () => Promise.resolve({ userId: bob.id }) },
  unlikeEntry: { selection: 'likeCount entry { id }', input: async () => ({ entryId: (await newEntry()).id }) },
  unlikePost: { selection: 'likeCount post { id }', input: async () => ({ postId: await newPost() }) },
  updateCategory: {
    selection: 'category { id description }',
    input: async () => ({ id: await newCategory(), description: 'Other' }),
    as: () => mod,
  },
  updateComment: { selection: 'comment { id body }', input: async () => ({ id: await newComment(), body: 'Edited' }) },
  restoreEntryRevision: {
    selection: 'entry { id version title }',
    input: async () => ({ revisionId: await newRevision(), expectedVersion: 2 }),
  },
  updateEntry: {
    selection: 'entry { id version title }',
    input: async () => newEntry().then(({ id, version }) => ({ id, expectedVersion: version, title: 'Edited' })),
  },
  updateNotificationPreferences: {
    selection: 'preferences { kind enabled }',
    input: () => Promise.resolve({ preferences: [{ kind: 'LIKE', enabled: false }] }),
  },
  updatePost: { selection: 'post { id body }', input: async () => ({ id: await newPost(), body: 'Edited' }) },
  updateProfile: { selection: 'user { id bio }', input: () => Promise.resolve({ bio: 'Hello' }) },
};

describe('how mutations are written', () => {
  it('each takes a clientId, but for those of credentials', () => {
    const without = mutations.map(({ name }) => name).filter((name) => inputOf(name)?.getFields()['clientId'] === undefined);
    expect(without.sort()).toEqual(OF_CREDENTIALS);
  });

  it('each id of an input says of what type it is', () => {
    const unsaid = mutations.flatMap(({ name }) =>
      Object.values(inputOf(name)?.getFields() ?? {})
        .filter((field) => getNamedType(field.type).name === 'ID')
        .filter(({ extensions }) => typeof (extensions['pothosOptions'] as { idOf?: unknown }).idOf !== 'string')
        .map((field) => `${name}.${field.name}`),
    );
    expect(unsaid).toEqual([]);
  });

  it('each input is described by what it is for', () => {
    const descriptions = mutations.flatMap(({ args }) => args.map(({ description }) => description ?? ''));
    expect(descriptions.filter((description) => description === '' || description === 'What to do, and with what.')).toEqual([]);
  });
});

describe('a mutation that is sent again with its clientId', () => {
  it('is tried below, whichever it is', () => {
    expect([...Object.keys(CASES), ...CREATING, ...OF_CREDENTIALS].sort()).toEqual(mutations.map(({ name }) => name).sort());
  });

  it.each(Object.entries(CASES))(
    '%s gives the first result, and with other input CONFLICT',
    async (name, { selection, input, as = () => ada }) => {
      const viewer = as();
      if (name === 'setPresence') await bePresent(viewer);
      const given = { ...(await input()), clientId: `again-${name}` };
      const first = await call(name, selection, given, viewer);
      expect(await call(name, selection, given, viewer)).toEqual(first);
      const [field = ''] = Object.keys(given);
      const other = { ...(await input()), clientId: `again-${name}` };
      const changed = JSON.stringify(other) === JSON.stringify(given) ? null : other;
      if (changed !== null) {
        expect(await refusal(name, selection, changed, viewer), field).toMatchObject({
          code: 'CONFLICT',
          fields: [{ path: 'input.clientId', code: 'REUSED' }],
        });
      }
    },
  );

  it('is another for another author, and for another mutation', async () => {
    const postId = await newPost();
    expect(await call('likePost', 'likeCount', { postId, clientId: 'mine' }, ada)).toEqual({ likeCount: 1 });
    expect(await call('likePost', 'likeCount', { postId, clientId: 'mine' }, bob)).toEqual({ likeCount: 2 });
    expect(await call('unlikePost', 'likeCount', { postId, clientId: 'mine' }, ada)).toEqual({ likeCount: 1 });
    // The first result, though the like has been taken back since.
    expect(await call('likePost', 'likeCount', { postId, clientId: 'mine' }, ada)).toEqual({ likeCount: 1 });
  });

  it('tells null from what is left out', async () => {
    await call('updateProfile', 'user { bio }', { displayName: 'Ada', bio: null, clientId: 'null' }, ada);
    expect(await refusal('updateProfile', 'user { bio }', { displayName: 'Ada', clientId: 'null' }, ada)).toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('is done once by several processes at the same time', async () => {
    const other = await startTestApp({ database: app.database, env });
    try {
      const input = { name: 'At once', clientId: 'at-once' };
      const document = documentOf('createCategory', 'category { id slug }');
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? app : other).data(document, { input }, mod)),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await app.database.query(`SELECT count(*)::int AS count FROM category WHERE name = 'At once'`)).toEqual([{ count: 1 }]);
    } finally {
      await other.stop();
    }
  });

  it('is done when it had failed before', async () => {
    const room = await newRoom();
    const input = { conversationId: room.id, title: 'Mine', clientId: 'failed' };
    await call('joinRoom', 'conversation { id }', { code: room.joinCode }, bob);
    expect(await refusal('renameConversation', 'conversation { title }', input, bob)).toMatchObject({ code: 'FORBIDDEN' });
    await call('transferOwnership', 'conversation { id }', { conversationId: room.id, userId: bob.id }, ada);
    expect(await call('renameConversation', 'conversation { title }', input, bob)).toEqual({ conversation: { title: 'Mine' } });
  });

  it('shows nothing that the viewer may not see any more', async () => {
    const { id } = await newEntry();
    await call('likeEntry', 'likeCount', { entryId: id, clientId: 'hidden' }, bob);
    await call('updateEntry', 'entry { id }', { id, expectedVersion: 1, isPublic: false }, ada);
    expect(await refusal('likeEntry', 'entry { content }', { entryId: id, clientId: 'hidden' }, bob)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each([
    ['setRoomPasscode', async () => ({ conversationId: (await newRoom()).id }), () => ada],
    ['createRoom', () => Promise.resolve({ title: 'Behind a passcode' }), () => ada],
    ['joinRoom', async () => ({ code: (await newRoom('sesame')).joinCode }), () => bob],
  ] as const)('%s with another secret is CONFLICT, with none too', async (name, input, as) => {
    const given = { ...(await input()), clientId: `secret-${name}` };
    const selection = 'conversation { id hasPasscode }';
    const first = await call(name, selection, { ...given, passcode: 'sesame' }, as());
    expect(first).toMatchObject({ conversation: { hasPasscode: true } });
    for (const other of [{ passcode: 'simsim' }, {}]) {
      expect(await refusal(name, selection, { ...given, ...other }, as())).toMatchObject({
        code: 'CONFLICT',
        fields: [{ path: 'input.clientId', code: 'REUSED' }],
      });
    }
    expect(await call(name, selection, { ...given, passcode: 'sesame' }, as())).toEqual(first);
  });

  it.each([
    ['setRoomPasscode', 'mutation_result', async () => ({ conversationId: (await newRoom()).id })],
    ['createRoom', 'conversation', () => Promise.resolve({})],
  ] as const)('%s keeps nothing that a passcode could be guessed by', async (name, table, input) => {
    const digests = [];
    const given = await input();
    for (const key of ['one', 'another']) {
      await call(name, 'conversation { id }', { ...given, passcode: 'sesame', clientId: `${name}-${key}` }, ada);
      const column = table === 'conversation' ? 'client_digest' : 'digest';
      digests.push(...(await app.database.query(`SELECT ${column} AS digest FROM ${table} WHERE client_id = $1`, [`${name}-${key}`])));
    }
    // Equal inputs have one digest, which nobody can compute who has the rows alone.
    expect(digests[0]).toEqual(digests[1]);
    const guesses = ['sesame', digestOf('sesame'), true].flatMap((passcode) =>
      [
        { ...given, passcode },
        { kind: 'ROOM', passcode },
      ].map((content) => digestOf(JSON.stringify(Object.entries(content)))),
    );
    expect(guesses).not.toContain((digests[0] as { digest: string }).digest);
  });

  it('makes nothing again that has been deleted since', async () => {
    const input = { title: 'Sent late', content: 'c', clientId: 'late' };
    const { id } = await anEntry(app, ada, input);
    await call('deleteEntry', 'entryId', { id }, ada);
    expect(await refusal('createEntry', 'entry { id }', input, ada)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await app.database.query(`SELECT 1 FROM entry WHERE client_id = 'late'`)).toEqual([]);
  });

  it('gives the first entry after 24 hours too, as long as it is there', async () => {
    const input = { title: 'Sent very late', content: 'c', clientId: 'very-late' };
    const first = await call('createEntry', 'entry { id }', input, ada);
    await app.database.query(`UPDATE mutation_result SET created_at = created_at - interval '25 hours' WHERE client_id = 'very-late'`);
    await app.runTask('mutations.forgetResults');
    expect(await call('createEntry', 'entry { id }', input, ada)).toEqual(first);
  });

  it('is something new after 24 hours, when the first result is forgotten', async () => {
    const postId = await newPost();
    const like = { postId, clientId: 'old' };
    await call('likePost', 'likeCount', like, bob);
    const age = (by: string) =>
      app.database.query(`UPDATE mutation_result SET created_at = created_at - $1::interval WHERE client_id = 'old'`, [by]);
    await call('likePost', 'likeCount', { postId }, ada);
    await age('23 hours');
    await app.runTask('mutations.forgetResults');
    expect(await call('likePost', 'likeCount', like, bob)).toEqual({ likeCount: 1 });
    await age('2 hours');
    expect(await call('likePost', 'likeCount', like, bob)).toEqual({ likeCount: 2 });
    await age('25 hours');
    await app.runTask('mutations.forgetResults');
    expect(await app.database.query(`SELECT 1 FROM mutation_result WHERE client_id = 'old'`)).toEqual([]);
  });
});

describe('the mistakes of an input', () => {
  const tags = Array.from({ length: 200_000 }, () => '');

  it('are not looked for before it is known who is there', async () => {
    expect(await refusal('createEntry', 'entry { id }', { title: '', content: '', tags })).toEqual({ code: 'UNAUTHENTICATED' });
  });

  it('are not looked for in a list that is too long', async () => {
    const { fields } = await refusal('createEntry', 'entry { id }', { title: 'T', content: 'c', tags }, ada);
    expect(fields).toEqual([
      { path: 'input.tags', code: 'TOO_MANY', message: 'Must be at most 100 tags, repetitions included.', params: { max: 100 } },
    ]);
  });

  it('are twenty at the most', async () => {
    const { fields } = await refusal('createEntry', 'entry { id }', { title: '', content: '', tags: tags.slice(0, 90) }, ada);
    expect(fields).toHaveLength(20);
  });

  it('have a code each, with parameters', async () => {
    const input = { username: 'guest-x', email: 'nobody', password: 'short', displayName: 'x'.repeat(101) };
    const { fields } = await refusal('register', 'user { id }', input);
    expect(fields).toMatchObject([
      { path: 'input.username', code: 'RESERVED', params: { prefix: 'guest-' } },
      { path: 'input.email', code: 'INVALID_FORMAT' },
      { path: 'input.password', code: 'TOO_SHORT', params: { min: 8, max: 200 } },
      { path: 'input.displayName', code: 'TOO_LONG', params: { max: 100, length: 101 } },
    ]);
  });

  it('say what is taken', async () => {
    const { code, fields } = await refusal('register', 'user { id }', {
      username: 'ADA',
      email: 'ada@example.com',
      password: 'a long password',
    });
    expect(code).toBe('CONFLICT');
    expect(fields).toMatchObject([{ path: 'input.username', code: 'TAKEN' }]);
  });
});
