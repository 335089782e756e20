import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClaimAccountInput } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aGuest, aPost, aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { secretIn, startSmtp, type TestSmtp } from '../kit/smtp.js';

const PASSWORD = 'correct horse battery staple';
let smtp: TestSmtp;
let app: TestApp;

beforeAll(async () => {
  smtp = await startSmtp();
  app = await startTestApp({ env: { SMTP_URL: smtp.url, MAIL_FROM: 'mail@lyceum.example' } });
});
afterAll(async () => {
  await app.stop();
  await smtp.stop();
});

const Claim = graphql(
  `mutation GuestsClaim($input: ClaimAccountInput!) { claimAccount(input: $input) { user { id username displayName role } } }`,
);
const Verify = graphql(`mutation GuestsVerify($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { username } } }`);
const Login = graphql(`mutation GuestsLogin($input: LoginInput!) { login(input: $input) { user { id } } }`);
const PostsOf = graphql(`query GuestsPosts($author: String!) { posts(author: $author) { nodes { id } } }`);
const Mine = graphql(`query GuestsMine { me { user { role } } }`);
const Write = graphql(`mutation GuestsWrite($input: CreateEntryInput!) { createEntry(input: $input) { entry { id } } }`);

const claim = (as: TestUser | undefined, input: Partial<ClaimAccountInput> = {}) =>
  app.execute(Claim, { input: { username: 'claimed', email: 'claimed@example.com', password: PASSWORD, ...input } }, as);
const there = async (user: TestUser): Promise<boolean> =>
  (await app.database.query('SELECT 1 FROM "user" WHERE username = $1', [user.username])).length === 1;
/** Somebody who was here long ago and cannot come back. */
const gone = async (user: TestUser): Promise<TestUser> => {
  const row = [user.username];
  await app.database.query(`UPDATE "user" SET created_at = now() - interval '40 days' WHERE username = $1`, row);
  await app.database.query(
    `UPDATE session SET last_used_at = now() - interval '40 days', expires_at = now() - interval '10 days' FROM "user"
     WHERE "user".id = session.user_id AND username = $1`,
    row,
  );
  return user;
};

describe('a guest who makes an account', () => {
  it('keeps what they wrote, their name and their session', async () => {
    const guest = await aGuest(app);
    const post = await aPost(app, guest);
    const { data } = await claim(guest);
    expect(data?.claimAccount?.user).toMatchObject({ id: guest.id, username: 'claimed', role: 'MEMBER' });
    expect((await app.data(Mine, {}, guest)).me.user.role).toBe('MEMBER');
    expect((await app.data(PostsOf, { author: 'claimed' })).posts.nodes).toEqual([{ id: post.id }]);
    const [mail] = await smtp.mailsTo('claimed@example.com');
    await app.data(Verify, { input: { token: secretIn(mail ?? {}) } });
    expect((await app.data(Login, { input: { identifier: 'claimed@example.com', password: PASSWORD } })).login.user.id).toBe(guest.id);
  });

  it('does so once, and nobody else does', async () => {
    const guest = await aGuest(app);
    const answers = await Promise.all(['onceonly', 'onlyonce'].map((username) => claim(guest, { username })));
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    expect((await claim(await app.user('member'), { username: 'another' })).errors?.[0]?.extensions?.['code']).toBe('CONFLICT');
    expect((await claim(undefined)).errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
  });

  it('may do what members may in a socket that was open before', async () => {
    const guest = await aGuest(app);
    const socket = app.connect(guest);
    const write = () => socket.execute(Write.toString(), { input: { title: 'Of a guest', content: 'Nothing yet.' } });
    expect((await write()).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    await claim(guest, { username: 'opened' });
    await expect.poll(async () => (await write()).errors).toBeUndefined();
  });
});

describe('a guest who cannot come back', () => {
  it('is deleted after a while, if they have left nothing', async () => {
    const [unused, recent, writer, member] = [await aGuest(app), await aGuest(app), await aGuest(app), await aGuest(app)];
    await aPost(app, writer);
    await aRoom(app, member);
    await Promise.all([unused, writer, member].map(gone));
    await app.runTask('admin.deleteUnusedGuests');
    expect(await Promise.all([unused, recent, writer, member].map(there))).toEqual([false, true, true, true]);
  });

  it('stays while a session of theirs could be renewed', async () => {
    const sleeping = await gone(await aGuest(app));
    await app.database.query(
      `UPDATE session SET expires_at = now() + interval '1 day' FROM "user" WHERE "user".id = session.user_id AND username = $1`,
      [sleeping.username],
    );
    await app.runTask('admin.deleteUnusedGuests');
    expect(await there(sleeping)).toBe(true);
  });
});
