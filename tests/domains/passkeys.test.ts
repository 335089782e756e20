import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aSecondFactor } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { makePasskey, type SoftwarePasskey, type Wrong } from '../kit/passkey.js';

const Start = graphql(`mutation PasskeyStart($input: StartPasskeyInput!) { startPasskey(input: $input) { token options } }`);
const Add = graphql(`mutation PasskeyAdd($input: AddPasskeyInput!) {
  addPasskey(input: $input) { passkey { id name isBackedUp lastUsedAt } recoveryCodes me { secondFactor { isOn passkeys totp recoveryCodesLeft } } }
}`);
const Rename = graphql(`mutation PasskeyRename($input: RenamePasskeyInput!) { renamePasskey(input: $input) { passkey { name } } }`);
const Remove = graphql(`mutation PasskeyRemove($input: RemovePasskeyInput!) {
  removePasskey(input: $input) { me { passkeys { id } secondFactor { isOn recoveryCodesLeft } } }
}`);
const Begin = graphql(`mutation PasskeyBegin { startPasskeyLogin { token options expiresAt } }`);
const Login = graphql(`mutation PasskeyLogin($input: LoginWithPasskeyInput!) {
  loginWithPasskey(input: $input) { user { username } credentials { accessToken } }
}`);
const ByPassword = graphql(`mutation PasskeyByPassword($input: LoginInput!) { login(input: $input) { user { username } } }`);
const Finish = graphql(`mutation PasskeyFinish($input: FinishLoginInput!) { finishLogin(input: $input) { user { username } } }`);
const Mine = graphql(`query PasskeysOfMine { me { passkeys { id name lastUsedAt } } }`);
const Node = graphql(`query PasskeyNode($id: ID!) { node(id: $id) { id ... on Passkey { name } } }`);
const Suspend = graphql(`mutation PasskeySuspend($userId: ID!) { suspendUser(input: { userId: $userId }) { user { id } } }`);
const Lost = graphql(`mutation PasskeyLost($userId: ID!) { removeSecondFactor(input: { userId: $userId }) { user { id } } }`);

let now = Date.now();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => now } });
});
afterAll(() => app.stop());

interface Owner {
  readonly user: TestUser;
  readonly passkey: SoftwarePasskey;
  readonly id: string;
  readonly recoveryCodes: readonly string[] | null;
}
const started = async (user: TestUser) => (await app.data(Start, { input: { password: PASSWORD } }, user)).startPasskey;
const add = async (user: TestUser, name = 'A key') => {
  const { token, options } = await started(user);
  const passkey = makePasskey(options);
  const added = (await app.data(Add, { input: { token, credential: passkey.credential, name } }, user)).addPasskey;
  return { ...added, software: passkey };
};
const owner = async (username: string): Promise<Owner> => {
  const user = await app.user(username);
  const { software, passkey, recoveryCodes } = await add(user);
  return { user, passkey: software, id: passkey.id, recoveryCodes: recoveryCodes ?? null };
};
const begin = async () => (await app.data(Begin)).startPasskeyLogin;
const login = async (passkey: SoftwarePasskey, wrong: Wrong = {}) => {
  const { token, options } = await begin();
  return await app.execute(Login, { input: { token, credential: passkey.sign(options, wrong) } });
};
const extensionsOf = ({ errors }: { readonly errors?: readonly { readonly extensions?: unknown }[] | undefined }) =>
  errors?.[0]?.extensions;
const REFUSED = { code: 'UNAUTHENTICATED', reason: 'WRONG_PASSKEY' };

describe('a passkey', () => {
  it('signs in by itself, with no name and no password', async () => {
    const { passkey, user } = await owner('pia');
    const { data } = await login(passkey);
    expect(present(data?.loginWithPasskey).user.username).toBe('pia');
    const [mine] = present((await app.data(Mine, {}, { token: present(data?.loginWithPasskey).credentials.accessToken })).me).passkeys;
    expect(mine).toMatchObject({ name: 'A key', lastUsedAt: expect.any(String) });
    const acts = await app.database.query<{ action: string }>('SELECT action FROM audit_event WHERE subject_id = $1', [
      parseId(user.id).id,
    ]);
    expect(acts.map(({ action }) => action)).toEqual(expect.arrayContaining(['addPasskey', 'loginWithPasskey']));
  });

  it('is a second factor: the password alone is not enough any more, and recovery codes stand in', async () => {
    const { recoveryCodes } = await owner('paul');
    const extensions = extensionsOf(await app.execute(ByPassword, { input: { identifier: 'paul', password: PASSWORD } }));
    expect(extensions).toMatchObject({ reason: 'SECOND_FACTOR', methods: ['PASSKEY', 'RECOVERY_CODE'] });
    const { signInToken: token } = extensions as { signInToken: string };
    const finished = await app.data(Finish, { input: { token, code: recoveryCodes?.[0] ?? '' } });
    expect(finished.finishLogin.user.username).toBe('paul');
  });

  it('comes beside codes of an app, with no further recovery codes', async () => {
    const user = await app.user('petra');
    await aSecondFactor(app, user, now);
    const { recoveryCodes, me } = await add(user);
    expect(recoveryCodes).toBeNull();
    expect(me.secondFactor).toEqual({ isOn: true, passkeys: 1, totp: true, recoveryCodesLeft: 10 });
  });

  it('has a name, which its owner alone reads and changes', async () => {
    const { user, id } = await owner('pina');
    const other = await app.user('piet');
    expect((await app.data(Rename, { input: { passkeyId: id, name: 'Blue key' } }, user)).renamePasskey.passkey.name).toBe('Blue key');
    expect((await app.data(Node, { id }, user)).node).toEqual({ id, name: 'Blue key' });
    expect((await app.data(Node, { id }, other)).node).toBeNull();
    for (const [document, input] of [
      [Rename, { passkeyId: id, name: 'Mine' }],
      [Remove, { passkeyId: id, password: PASSWORD }],
    ] as const)
      expect(extensionsOf(await app.execute(document.toString(), { input }, other))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is removed by the password, with the recovery codes when it was the last, and signs nobody in any more', async () => {
    const { user, passkey, id } = await owner('pim');
    expect(await app.code(Remove, { input: { passkeyId: id } }, user)).toBe('BAD_USER_INPUT');
    const { me } = (await app.data(Remove, { input: { passkeyId: id, password: PASSWORD } }, user)).removePasskey;
    expect(me).toEqual({ passkeys: [], secondFactor: { isOn: false, recoveryCodesLeft: 0 } });
    expect(extensionsOf(await login(passkey))).toMatchObject(REFUSED);
  });

  it('does not sign in to a suspended account', async () => {
    const { user, passkey } = await owner('poul');
    const chief = await app.userWithRole('chief', 'ADMIN');
    await app.data(Suspend, { userId: user.id }, chief);
    expect(extensionsOf(await login(passkey))).toMatchObject({ code: 'LOCKED' });
  });

  it('is taken away by an administrator from whoever has lost it', async () => {
    const { user, passkey } = await owner('pola');
    const chief = await app.userWithRole('chief2', 'ADMIN');
    await app.data(Lost, { userId: user.id }, chief);
    expect(extensionsOf(await login(passkey))).toMatchObject(REFUSED);
    expect(await app.code(Mine, {}, user)).toBe('UNAUTHENTICATED');
    expect((await app.data(ByPassword, { input: { identifier: 'pola', password: PASSWORD } })).login.user.username).toBe('pola');
  });
});

describe('a passkey that is not right', () => {
  it.each<readonly [string, Wrong]>([
    ['of pages elsewhere', { origin: 'https://evil.example' }],
    ['of another domain', { domain: 'evil.example' }],
    ['for another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['that nobody was asked for', { isUnverified: true }],
    ['with certificates of its maker', { certificates: [Buffer.from('a certificate')] }],
  ])('is not stored: %s', async (what, wrong) => {
    const user = await app.user(`w${what.length}_${Object.keys(wrong).join('')}`);
    const { token, options } = await started(user);
    const { credential } = makePasskey(options, wrong);
    const answer = await app.execute(Add.toString(), { input: { token, credential, name: 'Wrong' } }, user);
    expect(extensionsOf(answer)).toMatchObject({ fields: [{ path: 'input.credential', code: 'NOT_ALLOWED' }] });
    expect(JSON.stringify(answer)).not.toContain((JSON.parse(options) as { challenge: string }).challenge);
  });

  it.each<readonly [string, Wrong]>([
    ['of pages elsewhere', { origin: 'https://evil.example' }],
    ['of another domain', { domain: 'evil.example' }],
    ['for another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['that nobody was asked for', { isUnverified: true }],
    ['of somebody else', { userHandle: Buffer.alloc(16).toString('base64url') }],
  ])('does not sign in: %s', async (what, wrong) => {
    const { passkey } = await owner(`s${what.length}_${Object.keys(wrong).join('')}`);
    expect(extensionsOf(await login(passkey, wrong))).toMatchObject(REFUSED);
    expect(extensionsOf(await login(passkey))).toBeUndefined();
  });

  it('does not sign in when it says that it was used less often than before: it was copied', async () => {
    const { passkey } = await owner('quentin');
    expect(extensionsOf(await login(passkey, { counter: 7 }))).toBeUndefined();
    expect(extensionsOf(await login(passkey, { counter: 7 }))).toMatchObject(REFUSED);
  });

  it.each(['', '{}', 'null', '[1]', '{"id":"x"}', 'x'.repeat(16_384)])('is refused as what it is: %j', async (credential) => {
    const { token } = await begin();
    expect(extensionsOf(await app.execute(Login, { input: { token, credential } }))).toMatchObject({
      fields: [{ path: 'input.credential', code: 'INVALID_FORMAT' }],
    });
  });
});

describe('the token of a challenge', () => {
  it('is good once, for ten minutes', async () => {
    const { passkey } = await owner('tobi');
    const { token, options } = await begin();
    const send = () => app.execute(Login, { input: { token, credential: passkey.sign(options) } });
    expect(extensionsOf(await send())).toBeUndefined();
    expect(extensionsOf(await send())).toMatchObject({ fields: [{ path: 'input.token', code: 'NOT_FOUND' }] });
    const late = await begin();
    now += 10 * 60_000;
    const input = { token: late.token, credential: passkey.sign(late.options) };
    expect(extensionsOf(await app.execute(Login, { input }))).toMatchObject({ fields: [{ path: 'input.token' }] });
  });

  it('is good for one of two sign-ins at the same moment', async () => {
    const { passkey } = await owner('tove');
    const { token, options } = await begin();
    const both = [passkey.sign(options), passkey.sign(options)];
    const answers = await Promise.all(both.map((credential) => app.execute(Login, { input: { token, credential } })));
    expect(answers.filter(({ errors }) => errors === undefined)).toHaveLength(1);
  });

  it('of a passkey to be made is for whoever asked for it', async () => {
    const [user, other] = [await app.user('tina'), await app.user('tuva')];
    const { token, options } = await started(user);
    const { credential } = makePasskey(options);
    const input = { token, credential, name: 'Not mine' };
    expect(extensionsOf(await app.execute(Add.toString(), { input }, other))).toMatchObject({ fields: [{ path: 'input.token' }] });
    expect(extensionsOf(await app.execute(Login, { input: { token, credential } }))).toMatchObject({ fields: [{ path: 'input.token' }] });
  });

  it('needs the password, and a passkey is nobody else’s', async () => {
    const user = await app.user('tess');
    expect(await app.code(Start, { input: {} }, user)).toBe('BAD_USER_INPUT');
    const { token, options } = await started(user);
    const passkey = makePasskey(options);
    await app.data(Add, { input: { token, credential: passkey.credential, name: 'One' } }, user);
    expect(JSON.parse((await started(user)).options)).toMatchObject({ excludeCredentials: [{ id: passkey.id }] });
  });
});
