import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows } from '../../src/db/personal-data.js';
import { PERSONAL_TABLES } from '../../src/domains/privacy/personal-tables.js';
import { sealAudit, verifyAudit } from '../../src/domains/audit/seals.js';
import { parseId } from '../../src/graphql/ids.js';
import { PASSWORD, SHORT_GRACE, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aComment, aDirect, aFollow, aGroup, aGuest, aMessage, anEntry, aPost } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let chief: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: SHORT_GRACE });
  ada = await app.user('ada');
  chief = await app.userWithRole('chief', 'ADMIN');
});
afterAll(() => app.stop());

const Delete = graphql(`mutation DeleteMyAccount($input: DeleteMyAccountInput!) { deleteMyAccount(input: $input) { ok } }`);
const LogInAgain = graphql(`mutation DeletionLogIn($input: LoginInput!) { login(input: $input) { user { id } } }`);
const Mine = graphql(`query DeletionMine { me { user { id } } }`);
const Who = graphql(`query DeletionWho($id: ID!) { user(id: $id) { username displayName bio isDeleted presence { status } } }`);
const People = graphql(`query DeletionPeople { users(search: "vanished") { nodes { username } } }`);
const Posts = graphql(`query DeletionPosts($first: ID!, $second: ID!, $third: ID!) {
  alone: post(id: $first) { id } answered: post(id: $second) { body likeCount author { isDeleted } } others: post(id: $third) { likeCount commentCount }
}`);
const History = graphql(`query DeletionHistory($id: ID!) {
  conversation(id: $id) { memberCount viewerCanEdit messages(first: 5) { nodes { body author { displayName isDeleted } reactions { emoji } } } }
}`);
const React = graphql(`mutation DeletionReact($id: ID!) { addReaction(input: { messageId: $id, emoji: "👍" }) { message { id } } }`);
const LikePost = graphql(`mutation DeletionLike($id: ID!) { likePost(input: { postId: $id }) { post { id } } }`);
const LikeEntry = graphql(`mutation DeletionLikeEntry($id: ID!) { likeEntry(input: { entryId: $id }) { entry { id } } }`);
const Entry = graphql(`query DeletionEntry($id: ID!) { entry(by: { id: $id }) { title author { isDeleted } } }`);
const Audit = graphql(`query DeletionAudit($actor: ID!) { auditLog(actor: $actor, first: 20) { nodes { action ip } } }`);
const Export = graphql(`mutation DeletionExport { exportMyData(input: {}) { operation { id } } }`);

const remove = (user: TestUser, password: string | null = PASSWORD) => app.data(Delete, { input: { password } }, user);
/** Has the account removed as far as it can be: the job, and once more after a while. */
const removed = async (user: TestUser): Promise<void> => {
  await remove(user);
  await erased(user);
};
const erased = async (user: TestUser): Promise<void> => {
  const { id } = parseId(user.id);
  const key = `privacy.erase:${id}`;
  const waiting = () =>
    app.database.query<{ later: boolean }>(
      `SELECT run_at > now() + interval '1 minute' AS later FROM graphile_worker.jobs WHERE key = $1`,
      [key],
    );
  await expect.poll(async () => (await waiting()).map(({ later }) => later), { timeout: 20_000 }).toEqual([true]);
  await app.database.query(`SELECT graphile_worker.add_job('privacy.erase', $1, job_key := $2)`, [
    JSON.stringify({ userId: id, isAgain: true }),
    key,
  ]);
  await expect.poll(waiting, { timeout: 20_000 }).toEqual([]);
};
/** How many rows of each table still have to do with a user. */
const left = async (user: TestUser): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { table, exported } of PERSONAL_TABLES) {
    if (typeof exported === 'string') continue;
    const rows = readRows(app.services.db, exported, parseId(user.id).id);
    while ((await rows.next()).done !== true) counts[table] = (counts[table] ?? 0) + 1;
  }
  return counts;
};

/** Somebody who has left something everywhere. */
const world = async (name: string) => {
  const user = await app.user(name);
  const [alone, answered, others] = [await aPost(app, user), await aPost(app, user, { body: 'Answered' }), await aPost(app, ada)];
  await aComment(app, ada, answered.id);
  await aComment(app, user, others.id);
  await app.data(LikePost, { id: others.id }, user);
  const draft = await anEntry(app, user, { title: `Draft of ${name}`, isPublic: false });
  const liked = await anEntry(app, user, { title: `Liked of ${name}` });
  await app.data(LikeEntry, { id: liked.id }, ada);
  await app.data(LikeEntry, { id: (await anEntry(app, ada, { title: `By ada for ${name}` })).id }, user);
  const group = await aGroup(app, user, [ada], 'Left behind');
  await aMessage(app, user, group.id, 'Still here');
  await app.data(React, { id: (await aMessage(app, ada, group.id, `Hello @${name}`)).id }, user);
  const direct = await aDirect(app, user, ada);
  await aMessage(app, user, direct.id, 'Between us');
  await aFollow(app, user, ada);
  await aFollow(app, ada, user);
  await aBlock(app, user, await app.user(`${name}_foe`));
  await app.data(Export, {}, user);
  return { user, alone, answered, others, draft, liked, group, direct };
};

describe('an account that is deleted', () => {
  it('is closed at once: nobody gets in, and every socket ends', async () => {
    const user = await app.user('closing');
    const socket = app.connect(user);
    await socket.execute('{ __typename }');
    await remove(user);
    expect(await socket.closed).toBe(4401);
    expect(await app.code(Mine, {}, user)).toBe('UNAUTHENTICATED');
    expect(await app.code(LogInAgain, { input: { identifier: 'closing', password: PASSWORD } })).toBe('UNAUTHENTICATED');
    await erased(user);
  });

  it('takes the present password, and of guests none', async () => {
    const user = await app.user('careful');
    for (const password of ['wrong', '', null]) expect(await app.code(Delete, { input: { password } }, user)).toBe('BAD_USER_INPUT');
    expect((await app.data(Mine, {}, user)).me.user.id).toBe(user.id);
    expect(await app.code(Delete, { input: {} })).toBe('UNAUTHENTICATED');
    const guest = await aGuest(app);
    await remove(guest, null);
    expect(await app.code(Mine, {}, guest)).toBe('UNAUTHENTICATED');
    await erased(guest);
  });

  it('is not that of the last administrator', async () => {
    expect(await app.code(Delete, { input: { password: PASSWORD } }, chief)).toBe('CONFLICT');
    expect((await app.data(Mine, {}, chief)).me.user.id).toBe(chief.id);
  });

  it('leaves what others rely on, as that of a deleted user, and nothing else', async () => {
    const { user, alone, answered, others, draft, liked, group, direct } = await world('leaver');
    await removed(user);
    expect(await app.data(Posts, { first: alone.id, second: answered.id, third: others.id }, ada)).toMatchObject({
      alone: null,
      answered: { body: 'Answered', author: { isDeleted: true } },
      others: { likeCount: 0, commentCount: 0 },
    });
    expect((await app.data(Entry, { id: draft.id }, chief)).entry).toBeNull();
    expect((await app.data(Entry, { id: liked.id })).entry).toMatchObject({ author: { isDeleted: true } });
    const { conversation } = await app.data(History, { id: group.id }, ada);
    expect(conversation).toMatchObject({ memberCount: 1, viewerCanEdit: true });
    expect(present(conversation.messages).nodes).toContainEqual(
      expect.objectContaining({ body: 'Still here', author: { displayName: 'Deleted user', isDeleted: true } }),
    );
    expect(present(conversation.messages).nodes.flatMap(({ reactions }) => reactions)).toEqual([]);
    expect(present((await app.data(History, { id: direct.id }, ada)).conversation.messages).nodes).toMatchObject([{ body: 'Between us' }]);
  });

  it('says nothing any more of who it was, and is found by nobody', async () => {
    const { user } = await world('vanished');
    await removed(user);
    const { user: seen } = await app.data(Who, { id: user.id }, ada);
    expect(seen).toMatchObject({ displayName: 'Deleted user', bio: null, isDeleted: true, presence: { status: 'OFFLINE' } });
    expect(present(seen).username).toMatch(/^deleted-[0-9a-f]{16}$/);
    expect((await app.data(People, {}, ada)).users.nodes).toEqual([{ username: 'vanished_foe' }]);
    const [row] = await app.database.query<Record<string, unknown>>('SELECT * FROM "user" WHERE id = $1', [parseId(user.id).id]);
    expect(JSON.stringify(row)).not.toMatch(/vanished|argon2/);
  });

  it('leaves rows in no other table than is said', async () => {
    const { user } = await world('counted');
    const before = await left(user);
    await removed(user);
    expect(Object.keys(before).length).toBeGreaterThan(15);
    const { audit_event: audited, ...after } = await left(user);
    expect(audited).toBeGreaterThan(1);
    expect(after).toEqual({
      ...{ user: 1, conversation: 2, conversation_member: 1, message: 2 },
      // Those that are deleted keep their places, without a text.
      ...{ post: 2, comment: 1, entry: 1, entry_revision: 1 },
    });
    const streams = await app.database.query(`SELECT topic FROM head WHERE key = $1 AND topic <> 'presence'`, [parseId(user.id).id]);
    expect(streams).toEqual([]);
  });

  it('goes with its row where nothing refers to it', async () => {
    const user = await app.user('untouched');
    await removed(user);
    expect((await app.data(Who, { id: user.id })).user).toBeNull();
    await app.user('untouched');
  });

  it('has its audit without a place, and the seals hold', async () => {
    const user = await app.user('audited');
    const ips = async () =>
      (await app.data(Audit, { actor: user.id }, chief)).auditLog.nodes.map(({ action, ip }) => [action, ip === null]);
    expect(await ips()).toEqual([['register', false]]);
    await sealAudit(app.services);
    await remove(user);
    const [row] = await app.database.query<{ origin: unknown }>(
      `SELECT origin FROM audit_event WHERE action = 'deleteMyAccount' AND actor_id = $1`,
      [parseId(user.id).id],
    );
    expect(row).toEqual({ origin: null });
    expect((await verifyAudit(app.services)).faults).toEqual([]);
    await erased(user);
  });
});

describe('who may write to somebody', () => {
  const Privacy = graphql(
    `mutation DeletionPrivacy($input: UpdatePrivacyInput!) { updatePrivacy(input: $input) { me { messagesFrom isListed } } }`,
  );
  const Direct = graphql(`mutation DeletionDirect($id: ID!) { startDirect(input: { userId: $id }) { conversation { id } } }`);
  const Group = graphql(
    `mutation DeletionGroup($id: ID!) { createGroup(input: { title: "G", memberIds: [$id] }) { conversation { id } } }`,
  );
  const Found = graphql(`query DeletionFound { users(search: "hermit") { nodes { id } } }`);

  it('is everyone, whom they follow, or nobody, by whatever way', async () => {
    const [hermit, friend, stranger] = [await app.user('hermit'), await app.user('friend'), await app.user('stranger')];
    await aFollow(app, hermit, friend);
    const set = (input: { messagesFrom?: 'EVERYONE' | 'FOLLOWED' | 'NOBODY'; isListed?: boolean }) => app.data(Privacy, { input }, hermit);
    expect((await set({ messagesFrom: 'FOLLOWED' })).updatePrivacy.me).toEqual({ messagesFrom: 'FOLLOWED', isListed: true });
    expect(await app.code(Direct, { id: hermit.id }, stranger)).toBe('FORBIDDEN');
    expect(await app.code(Group, { id: hermit.id }, stranger)).toBe('FORBIDDEN');
    expect(await app.code(Direct, { id: hermit.id }, friend)).toBeUndefined();
    await set({ messagesFrom: 'NOBODY' });
    expect(await app.code(Group, { id: hermit.id }, friend)).toBe('FORBIDDEN');
    expect(await app.code(Direct, { id: hermit.id }, friend)).toBeUndefined();
  });

  it('and who finds them, is theirs to say', async () => {
    const hermit = await app.user('hermit_two');
    expect((await app.data(Found, {})).users.nodes.map(({ id }) => id)).toContain(hermit.id);
    await app.data(Privacy, { input: { isListed: false } }, hermit);
    expect((await app.data(Found, {})).users.nodes.map(({ id }) => id)).not.toContain(hermit.id);
  });
});

describe('somebody whose account was deleted', () => {
  const Follow = graphql(`mutation GoneFollow($id: ID!) { followUser(input: { userId: $id }) { user { id } } }`);
  const Block = graphql(`mutation GoneBlock($id: ID!) { blockUser(input: { userId: $id }) { user { id } } }`);
  const Direct = graphql(`mutation GoneDirect($id: ID!) { startDirect(input: { userId: $id }) { conversation { id } } }`);
  const Group = graphql(
    `mutation GoneGroup($ids: [ID!]!) { createGroup(input: { title: "With them", memberIds: $ids }) { conversation { id } } }`,
  );
  const Add = graphql(
    `mutation GoneAdd($id: ID!, $ids: [ID!]!) { addMembers(input: { conversationId: $id, memberIds: $ids }) { conversation { id } } }`,
  );
  const Send = graphql(
    `mutation GoneSend($id: ID!, $body: String!) { sendMessage(input: { conversationId: $id, body: $body }) { message { id } } }`,
  );
  const Typing = graphql(`mutation GoneTyping($id: ID!) { setTyping(input: { conversationId: $id, isTyping: true }) { ok } }`);
  const Role = graphql(`mutation GoneRole($id: ID!) { setUserRole(input: { userId: $id, role: MODERATOR }) { user { id } } }`);
  const Suspend = graphql(`mutation GoneSuspend($id: ID!) { suspendUser(input: { userId: $id }) { user { id } } }`);
  const Unlock = graphql(`mutation GoneUnlock($id: ID!) { unlockUser(input: { userId: $id }) { user { id } } }`);
  const Disconnect = graphql(`mutation GoneDisconnect($id: ID!) { disconnectUser(input: { userId: $id }) { endedCount } }`);
  const RemoveFactor = graphql(`mutation GoneFactor($id: ID!) { removeSecondFactor(input: { userId: $id }) { user { id } } }`);
  const Presence = graphql(
    `subscription GonePresence($id: ID!) { presenceChanged(of: { userIds: [$id] }) { status user { displayName isDeleted } } }`,
  );

  it('is followed, blocked, written to, added and administered by nobody', async () => {
    const user = await app.user('gone');
    const { id } = user;
    const [begun, group] = [await aDirect(app, ada, user), await aGroup(app, ada, [])];
    await aMessage(app, user, begun.id, 'Before I go');
    await remove(user);
    expect(await app.code(Follow, { id }, ada)).toBe('NOT_FOUND');
    expect(await app.code(Block, { id }, ada)).toBe('NOT_FOUND');
    for (const writer of [ada, chief]) expect(await app.code(Direct, { id }, writer)).toBe('NOT_FOUND');
    expect(await app.code(Group, { ids: [id] }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(Add, { id: group.id, ids: [id] }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(Send, { id: begun.id, body: 'Are you there?' }, ada)).toBe('FORBIDDEN');
    expect(await app.code(Typing, { id: begun.id }, ada)).toBe('FORBIDDEN');
    for (const document of [Role, Suspend, Unlock, Disconnect, RemoveFactor])
      expect(await app.code(document, { id }, chief)).toBe('NOT_FOUND');
    expect(await app.database.query('SELECT 1 FROM follow WHERE followee_id = $1', [parseId(id).id])).toEqual([]);
    expect(present((await app.data(History, { id: begun.id }, ada)).conversation.messages).nodes).toHaveLength(1);
    await erased(user);
  });

  it('is mentioned and notified by nothing that happens afterwards', async () => {
    const user = await app.user('silent');
    const post = await aPost(app, user);
    await aComment(app, ada, post.id);
    await removed(user);
    await aComment(app, ada, post.id, { body: 'And once more' });
    await app.data(LikePost, { id: post.id }, ada);
    expect(await left(user)).toEqual({ user: 1, post: 1, audit_event: expect.any(Number) as number });
  });

  it('is told at once to whoever looks at them', async () => {
    const user = await app.user('seen');
    const here = app.connect(user);
    await here.opened;
    const seen = app.connect(ada).subscribe(Presence, { id: user.id });
    let next = (await seen.data()).presenceChanged;
    while (next.status === 'OFFLINE') next = (await seen.data()).presenceChanged;
    expect(next.user).toMatchObject({ displayName: 'seen', isDeleted: false });
    await remove(user);
    expect((await seen.data()).presenceChanged).toEqual({ status: 'OFFLINE', user: { displayName: 'Deleted user', isDeleted: true } });
    await erased(user);
  });
});
