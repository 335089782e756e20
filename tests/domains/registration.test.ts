import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inviteFirstAdministrator } from '../../src/domains/account/invitations.js';
import type { RegisterInput } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql, present } from '../kit/graphql.js';

const PASSWORD = 'correct horse battery staple';
let app: TestApp;
let now = Date.now();
const clock = { now: () => now };

beforeAll(async () => {
  app = await startTestApp({ env: { BLOCKED_MAIL_DOMAINS: 'spam.example,müll.example' }, clock });
});
afterAll(() => app.stop());

const Register = graphql(`mutation RegistrationRegister($input: RegisterInput!) {
  register(input: $input) { user { username displayName role } credentials { accessToken } }
}`);
const Guest = graphql(`mutation RegistrationGuest($input: JoinAsGuestInput!) { joinAsGuest(input: $input) { user { displayName } } }`);
const How = graphql(`query RegistrationHow { registration { mode guests viewerCanInvite } }`);
const Invite = graphql(`mutation RegistrationInvite($input: CreateInvitationInput!) {
  createInvitation(input: $input) { code url invitation { id maxUses useCount isOpen note createdBy { username } } }
}`);
const Revoke = graphql(
  `mutation RegistrationRevoke($input: RevokeInvitationInput!) { revokeInvitation(input: $input) { invitation { isOpen revokedAt } } }`,
);
const Invitations = graphql(`query RegistrationInvitations { invitations { nodes { id note useCount createdBy { username } } } }`);
const Invitation = graphql(`query RegistrationInvitation($id: ID!) { node(id: $id) { ... on Invitation { note } } }`);

type Answer = Awaited<ReturnType<TestApp['execute']>>;
const firstField = ({ errors }: Pick<Answer, 'errors'>): object | undefined =>
  (errors?.[0]?.extensions?.['fields'] as object[] | undefined)?.[0];
const register = (input: Partial<RegisterInput>, at = app) =>
  at.execute(Register, { input: { username: 'valid', email: 'valid@example.com', password: PASSWORD, ...input } });

describe('a username', () => {
  it.each([
    ['Robert', 'R0bert'],
    ['Alice_B', 'AIice-b'],
    ['willow', 'vvi11ovv'],
    ['adam', 'adarn'],
    ['IVAN', 'lvan'],
  ])('%s is not to be taken for by %s', async (taken, other) => {
    expect((await register({ username: taken })).errors).toBeUndefined();
    const refused = await register({ username: other });
    expect(refused.errors?.[0]?.extensions?.['code']).toBe('CONFLICT');
    expect(firstField(refused)).toMatchObject({ path: 'input.username', code: 'MISLEADING' });
  });

  it('goes to one of two that look the same and come at once', async () => {
    const answers = await Promise.all(['bobbob', 'b0bbob', 'bobb0b', 'b0bb0b'].map((username) => register({ username })));
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
  });

  it.each(['admin', 'Administrator', 'r00t', 'supp0rt', 'Lyceum', 'Ad-Min', 'mailer_daemon', 'N0-reply', 'adrnin'])(
    '%s is reserved',
    async (username) => {
      expect(firstField(await register({ username }))).toMatchObject({ path: 'input.username', code: 'RESERVED' });
    },
  );
});

describe('a display name', () => {
  it.each([
    ['Zoë 🦊👩‍👩‍👧‍👦🇦🇹❤️', 'Zoë 🦊👩‍👩‍👧‍👦🇦🇹❤️'],
    ['Zoe\u0308\u3000 Example', 'Zoë Example'],
    ['علی\u200cرضا', 'علی\u200cرضا'],
    ['ක්\u200dෂ', 'ක්\u200dෂ'],
    ['Nguye\u0302\u0303n', 'Nguyễn'],
  ])('may be %j', async (displayName, shown) => {
    expect((await app.data(Guest, { input: { displayName } })).joinAsGuest.user.displayName).toBe(shown);
  });

  it.each([
    ['a zero-width space', 'a\u200bb'],
    ['a joiner between letters that need none', 'a\u200db'],
    ['a line separator', 'a\u2028b'],
    ['a paragraph separator', 'a\u2029b'],
    ['a filler', 'a\u3164b'],
    ['a tag character', 'a\u{e0041}b'],
    ['a private character', 'a\ue000b'],
    ['a byte order mark', 'a\ufeffb'],
    ['a mark of direction', 'a\u200fb'],
    ['four marks on a letter', 'x\u0315\u031a\u0337\u0347'],
  ])('has not %s', async (_what, displayName) => {
    expect(firstField(await app.execute(Guest, { input: { displayName } }))).toMatchObject({
      path: 'input.displayName',
      code: 'INVALID_CHARACTERS',
    });
  });
});

it.each(['x@spam.example', 'x@mail.SPAM.example', 'x@müll.example', 'x@xn--mll-hoa.example'])(
  'an account has no address of a blocked domain, such as %s',
  async (email) => {
    expect(firstField(await register({ username: 'blocked', email }))).toMatchObject({ path: 'input.email', code: 'NOT_ALLOWED' });
  },
);

describe('a server that one is invited to', () => {
  let invited: TestApp;
  let chief: TestUser;
  const inviteAs = async (as: TestUser, input: { maxUses?: number; expiresAt?: string; note?: string } = {}) =>
    (await invited.data(Invite, { input }, as)).createInvitation;
  beforeAll(async () => {
    chief = await app.userWithRole('chief', 'ADMIN');
    invited = await startTestApp({
      env: {
        PUBLIC_URL: 'https://lyceum.example',
        REGISTRATION: 'invitation',
        INVITATIONS_BY: 'MEMBER',
        DATA_DIR: app.services.config.dataDir,
      },
      database: app.database,
      clock,
    });
  });
  afterAll(() => invited.stop());

  it('says so, and takes nobody without an invitation', async () => {
    expect((await invited.data(How)).registration).toEqual({ mode: 'INVITATION', guests: false, viewerCanInvite: false });
    expect(firstField(await register({ username: 'uninvited' }, invited))).toMatchObject({ path: 'input.invitation', code: 'REQUIRED' });
    expect(await invited.code(Guest, { input: { displayName: 'Guest' } })).toBe('FORBIDDEN');
  });

  it('takes as many as an invitation says, also when they come at once', async () => {
    const { code, url, invitation } = await inviteAs(chief, { maxUses: 2, note: 'For the book club' });
    expect(url).toBe(`https://lyceum.example/register#${code}`);
    expect(invitation).toMatchObject({
      maxUses: 2,
      useCount: 0,
      isOpen: true,
      note: 'For the book club',
      createdBy: { username: 'chief' },
    });
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, n) => register({ username: `club${'abcde'[n] ?? ''}`, invitation: code }, invited)),
    );
    expect(answers.filter(({ errors }) => errors === undefined).map(({ data }) => data?.register?.user.role)).toEqual(['MEMBER', 'MEMBER']);
    const refused = answers.find(({ errors }) => errors !== undefined);
    expect(firstField(present(refused))).toMatchObject({ path: 'input.invitation', code: 'NOT_FOUND' });
  });

  it('does not count a use that made no account', async () => {
    const { code } = await inviteAs(chief);
    expect((await register({ username: 'chief', invitation: code }, invited)).errors).toBeDefined();
    expect((await register({ username: 'rightname', invitation: code }, invited)).errors).toBeUndefined();
  });

  it('takes nobody by an invitation that has ended or was taken back', async () => {
    const short = await inviteAs(chief, { expiresAt: new Date(now + 60_000).toISOString() });
    now += 60_000;
    expect(firstField(await register({ username: 'tardy', invitation: short.code }, invited))).toMatchObject({ code: 'NOT_FOUND' });
    const { code, invitation } = await inviteAs(chief);
    const { revokeInvitation } = await invited.data(Revoke, { input: { invitationId: invitation.id } }, chief);
    expect(revokeInvitation.invitation.isOpen).toBe(false);
    expect(firstField(await register({ username: 'tardy', invitation: code }, invited))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lets members invite a few, and see and take back their own alone', async () => {
    const { code } = await inviteAs(chief, { note: 'Of the chief' });
    const token = (await register({ username: 'host', invitation: code }, invited)).data?.register?.credentials.accessToken ?? '';
    const host = { ...chief, username: 'host', token };
    expect((await invited.data(How, {}, host)).registration.viewerCanInvite).toBe(true);
    const mine = await inviteAs(host, { maxUses: 10, note: 'Mine' });
    expect(firstField(await invited.execute(Invite, { input: { maxUses: 11 } }, host))).toMatchObject({
      path: 'input.maxUses',
      code: 'TOO_LARGE',
    });
    expect(present((await invited.data(Invitations, {}, host)).invitations).nodes).toMatchObject([
      { note: 'Mine', createdBy: { username: 'host' } },
    ]);
    const all = present((await invited.data(Invitations, {}, chief)).invitations).nodes;
    expect(all.map(({ note }) => note)).toEqual(expect.arrayContaining(['Mine', 'Of the chief']));
    const ofChief = all.find(({ note }) => note === 'Of the chief')?.id ?? '';
    expect(await invited.code(Revoke, { input: { invitationId: ofChief } }, host)).toBe('NOT_FOUND');
    expect((await invited.data(Invitation, { id: ofChief }, host)).node).toBeNull();
    expect((await invited.data(Invitation, { id: mine.invitation.id }, chief)).node).toEqual({ note: 'Mine' });
  });
});

describe('where only administrators invite', () => {
  it('a member does not', async () => {
    const member = await app.user('uninviting');
    expect(await app.code(Invite, { input: {} }, member)).toBe('FORBIDDEN');
    expect((await app.data(How, {}, member)).registration).toEqual({ mode: 'OPEN', guests: true, viewerCanInvite: false });
  });
});

describe('a closed server', () => {
  it('makes no accounts, but for the first administrator', async () => {
    const closed = await startTestApp({ env: { REGISTRATION: 'closed' } });
    try {
      const link = present(await inviteFirstAdministrator(closed.services));
      const invitation = link.slice(link.indexOf('#') + 1);
      expect((await register({}, closed)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
      expect((await register({ username: 'admin', invitation }, closed)).data?.register?.user).toMatchObject({
        username: 'admin',
        role: 'ADMIN',
      });
      expect((await register({ username: 'second', invitation }, closed)).errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
      expect(await inviteFirstAdministrator(closed.services)).toBeNull();
    } finally {
      await closed.stop();
    }
  });

  it('makes one administrator of two who come at once by two links', async () => {
    const empty = await startTestApp();
    try {
      const links = [await inviteFirstAdministrator(empty.services), await inviteFirstAdministrator(empty.services)];
      const answers = await Promise.all(
        links.map((link, n) => register({ username: `first${n + 5}`, invitation: (link ?? '').split('#')[1] ?? '' }, empty)),
      );
      expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
    } finally {
      await empty.stop();
    }
  });
});
